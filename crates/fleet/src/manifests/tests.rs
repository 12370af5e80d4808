use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::Config;
use crate::plan::Choice;

const TEXT: &str = include_str!("../../tests/data/config.toml");

fn manifests() -> Manifests {
    Manifests {
        name: "assay-fleet".into(),
        namespace: "assay-fleet".into(),
        image: "registry.example.com/assay:0.1.0".into(),
        secret: "assay-fleet".into(),
        rhythm: Some(Rhythm { schedule: "0 2 * * *".parse().unwrap(), minutes: 60, time_zone: None }),
        batch: 1,
        state: State::Kept(None),
        round: Duration::from_mins(70),
        besides: Duration::from_mins(6),
        arguments: vec!["--leases=kubernetes".into(), "--sections=light".into()],
    }
}

fn files() -> Files {
    let config = Config::read("config.toml", TEXT, Path::new(FOLDER)).unwrap();
    Files {
        config: TEXT.into(),
        named: BTreeMap::from([("scs-compatible-iaas.yaml".into(), "name: SCS-compatible IaaS\n".into())]),
        keyfile: inside(&config.keyfile.unwrap()).unwrap(),
        tokenfile: inside(&config.tokenfile.unwrap()).unwrap(),
    }
}

fn plan(preset: &str) -> Plan {
    let config = Config::read("config.toml", TEXT, Path::new(FOLDER)).unwrap();
    config.plan(&Choice { preset: Some(preset.into()), ..Choice::default() }).unwrap()
}

fn plan_of(subjects: impl IntoIterator<Item = String>) -> Plan {
    let plan = plan("clouds");
    let [like, ..] = &plan.subjects[..] else { panic!("{plan:?}") };
    let subjects = subjects.into_iter().map(|subject| Planned { subject, ..like.clone() }).collect();
    Plan { subjects, ..plan }
}

fn stream(all: &[Manifest]) -> String {
    all.iter().map(|manifest| manifest.text.as_str()).collect::<Vec<_>>().join("---\n")
}

fn documents(all: &[Manifest]) -> Vec<Value> {
    serde_saphyr::from_multiple(&stream(all)).unwrap()
}

fn of_kind<'d>(documents: &'d [Value], kind: &str) -> Vec<&'d Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

fn names(documents: &[&Value]) -> Vec<String> {
    documents.iter().map(|document| document["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cron_job_for_each_subject() {
    insta::assert_snapshot!(stream(&manifests().render(&plan("clouds"), &files()).unwrap()));
}

#[test]
fn one_job_for_a_batch_once() {
    let manifests = Manifests { rhythm: None, batch: 10, state: State::Lost, ..manifests() };
    let all = manifests.render(&plan("clouds"), &files()).unwrap();
    assert_eq!(all.len(), 2);
    insta::assert_snapshot!(all[1].text);
}

#[test]
fn what_was_asked_for_beside() {
    let rhythm = Rhythm { time_zone: Some("Europe/Berlin".into()), ..manifests().rhythm.unwrap() };
    let state = State::Kept(Some("fast".into()));
    let manifests = Manifests { rhythm: Some(rhythm), state, batch: 2, ..manifests() };
    let plan = Plan { workers: 1, ..plan_of(["a", "b", "c", "$(HOME)"].map(str::to_owned)) };
    let all = documents(&manifests.render(&plan, &files()).unwrap());
    let jobs = of_kind(&all, "CronJob");
    assert_eq!(names(&jobs), ["assay-fleet-batch-1", "assay-fleet-batch-2"]);
    let spec = &jobs[1]["spec"];
    assert_eq!(spec["timeZone"], "Europe/Berlin");
    assert_eq!(spec["schedule"], "30 2 * * *");
    let job = &spec["jobTemplate"]["spec"];
    assert_eq!(job["activeDeadlineSeconds"], 2 * (2 * 4200 + 360), "one after the other, and once more");
    let args = &job["template"]["spec"]["containers"][0]["args"];
    let args: Vec<&str> = args.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(args[3], "--workers=1");
    assert_eq!(args[args.len() - 2..], ["--subject=c", "--subject=$$(HOME)"]);
    let claims = of_kind(&all, "PersistentVolumeClaim");
    assert_eq!(claims[0]["spec"]["storageClassName"], "fast");
}

#[test]
fn pods_have_only_what_lies_with_the_configuration() {
    let within = |path: &str| inside(&Path::new(FOLDER).join(path));
    assert_eq!(within("./a//b/../c.yaml").unwrap(), "a/c.yaml");
    for path in ["/home/me/key", "../key", "a/../../key", "", "..key", "."] {
        assert!(matches!(within(path), Err(ManifestError::Outside(_))), "{path}");
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let manifests = manifests();
    let large = Files { named: BTreeMap::from([("a".into(), "a".repeat(1 << 20))]), ..files() };
    assert_eq!(manifests.render(&plan("clouds"), &large), Err(ManifestError::TooLarge(1024)));
    let twice = Files { tokenfile: files().keyfile, ..files() };
    assert_eq!(
        manifests.render(&plan("clouds"), &twice),
        Err(ManifestError::Twice(".secret/keyfile".into()))
    );
    let comma = plan_of(["a,b".to_owned()]);
    assert_eq!(manifests.render(&comma, &files()), Err(ManifestError::Comma("a,b".into())));
}

#[test]
fn specs_keep_apart_what_their_names_do_not() {
    let paths = ["a/b.yaml", "a_b.yaml", "config.toml/x", "spec-2"];
    let named: BTreeMap<String, String> =
        paths.iter().map(|path| ((*path).to_owned(), (*path).to_owned())).collect();
    let files = Files { named, ..files() };
    let all = documents(&manifests().render(&plan("default"), &files).unwrap());
    let data = &of_kind(&all, "ConfigMap")[0]["data"];
    let pod = &of_kind(&all, "CronJob")[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let items = pod["volumes"][0]["projected"]["sources"][0]["configMap"]["items"].as_array().unwrap();
    assert_eq!(items.len(), paths.len() + 1);
    for item in items.iter().filter(|item| item["path"] != CONFIG) {
        assert_eq!(data[item["key"].as_str().unwrap()], item["path"], "{item}");
    }
}

#[test]
fn three_hundred_subjects_fit() {
    let subjects: Vec<String> = (0..300).map(|nth| format!("provider-{nth}_region.one")).collect();
    let listed = subjects.iter().map(|name| format!("    \"{name}\",\n")).collect::<String>();
    let config = format!("[presets.default]\nscopes = [\"scs-compatible-iaas\"]\nsubjects = [\n{listed}]\n");
    let files = Files { config, ..files() };
    for (batch, jobs) in [(1, 300), (7, 43), (300, 1)] {
        let manifests = Manifests { batch, ..manifests() };
        let all = manifests.render(&plan_of(subjects.clone()), &files).unwrap();
        assert_eq!(all.len(), jobs + 1);
        assert!(all.iter().all(|manifest| manifest.text.len() < 1 << 20));
        let named: BTreeSet<&str> = all.iter().map(|manifest| manifest.name.as_str()).collect();
        assert_eq!(named.len(), all.len(), "no two have one name");
        let schedules: BTreeSet<String> = of_kind(&documents(&all), "CronJob")
            .iter()
            .map(|job| job["spec"]["schedule"].to_string())
            .collect();
        assert_eq!(schedules.len(), jobs.min(60), "they begin one after the other");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn texts_arrive_as_they_are(config in "[ -~\n\t#|>:\u{e9}\u{2028}]{0,200}", spec in "(\\PC|\n| \n){0,100}") {
        let specs = BTreeMap::from([("spec.yaml".to_owned(), spec.clone())]);
        let files = Files { config: config.clone(), named: specs, ..files() };
        let all = manifests().render(&plan("clouds"), &files).unwrap();
        let all = documents(&all[..1]);
        let data = &of_kind(&all, "ConfigMap")[0]["data"];
        prop_assert_eq!(data["config.toml"].as_str(), Some(config.as_str()));
        prop_assert_eq!(data["spec.yaml"].as_str(), Some(spec.as_str()));
    }

    #[test]
    fn any_names_become_objects_of_their_own(subjects in proptest::collection::btree_set("[^,\\pC]{1,60}", 1..8)) {
        let all = manifests().render(&plan_of(subjects.clone()), &files()).unwrap();
        let all = documents(&all[1..]);
        let jobs = of_kind(&all, "CronJob");
        let named: BTreeSet<String> = names(&jobs).into_iter().collect();
        prop_assert_eq!(named.len(), subjects.len());
        for (job, subject) in jobs.iter().zip(&subjects) {
            let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
            let last = pod["containers"][0]["args"].as_array().unwrap().last().unwrap();
            prop_assert_eq!(last.as_str().unwrap(), format!("--subject={}", subject.replace('$', "$$")));
        }
    }
}
