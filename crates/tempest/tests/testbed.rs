//! Real Tempest against real OpenStack services.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_journal::RunId;
use assay_openstack::{
    CloudConfig, ConfigFiles, Discovered, Marks, Overrides, PasswordAccount, Session, Settings, discover,
    find_marked, password_account,
};
use assay_tempest::{Account, Accounts, Ending, Event, Installation, Outcome, Request, Test, TestList, run};

/// A dozen tests of all areas that are quick, and three that are skipped.
const DOZEN: [&str; 15] = [
    "compute.flavors.test_flavors.FlavorsV2TestJSON.test_list_flavors[",
    "compute.keypairs.test_keypairs_v22.KeyPairsV22TestJSON.test_keypairsv22_create_list_show_with_type",
    "compute.servers.test_server_tags.ServerTagsTestJSON.test_create_delete_tag",
    "compute.servers.test_create_server.ServersTestJSON.test_verify_created_server_vcpus",
    "identity.v3.test_tokens.TokensV3Test.test_create_token",
    "identity.v3.test_projects.IdentityV3ProjectsTest",
    "identity.v3.test_application_credentials.ApplicationCredentialsV3Test.test_list_application_credentials",
    "identity.v3.test_users.IdentityV3UsersTest.test_user_update_own_password",
    "image.v2.test_images.BasicOperationsImagesTest.test_register_upload_get_image_file",
    "image.v2.test_images_tags.ImagesTagsTest",
    "network.test_networks.NetworksTest.test_create_update_delete_network_subnet",
    "network.test_ports.PortsTestJSON.test_create_update_delete_port",
    "network.test_floating_ips_negative.FloatingIPNegativeTestJSON.test_create_floatingip_with_port_ext_net_unreachable",
    "volume.test_volume_metadata.VolumesMetadataTest.test_crud_volume_metadata",
    "volume.test_volumes_negative.VolumesNegativeTest.test_volume_get_nonexistent_volume_id",
];
/// Of these, how many are skipped on the testbed.
const SKIPPED: usize = 3;

async fn session(cloud: &str) -> Session {
    let path = env::var_os("ASSAY_TESTBED_CLOUDS")
        .expect("ASSAY_TESTBED_CLOUDS must hold the path of the testbed's clouds.yaml; testbed/up writes it");
    let files = ConfigFiles { clouds: Some(path.into()), ..ConfigFiles::default() };
    let config = CloudConfig::from_files(&files, cloud, &Overrides::default()).unwrap();
    Session::connect(&config, &Settings::default()).await.unwrap()
}

async fn account(session: &Session) -> Account {
    let PasswordAccount {
        username,
        user_id,
        user_domain_id,
        password,
        project_id,
        project_name,
        project_domain_id,
    } = password_account(session).await.unwrap();
    Account { username, user_id, user_domain_id, password, project_id, project_name, project_domain_id }
}

/// Where Tempest is installed; it stays there for the next time.
async fn installation() -> Installation {
    let set = |name| env::var_os(name).map(PathBuf::from);
    let cache = set("ASSAY_CACHE_DIR")
        .or_else(|| Some(set("HOME")?.join(".cache/assay")))
        .expect("HOME or ASSAY_CACHE_DIR is set");
    Installation::managed(&cache, Path::new("python3"), &|_| ()).await.unwrap()
}

fn tests(patterns: &[&str]) -> Vec<&'static Test> {
    patterns
        .iter()
        .map(|pattern| match TestList::scs_0128().matching(pattern).as_slice() {
            [test] => *test,
            found => panic!("{pattern}: {} tests", found.len()),
        })
        .collect()
}

/// Runs tests and looks for what bears the mark of the run afterwards.
async fn run_all(tests: &[&Test], limit: Duration, stop: impl Future<Output = ()>) -> (Outcome, Vec<Event>) {
    let main = session("testbed").await;
    let Discovered { cloud, has_application_credentials } = discover(&main).await.unwrap();
    let other = session("testbed-two").await;
    let accounts = Accounts { main: account(&main).await, other: Some(account(&other).await) };
    let mark = RunId::new();
    let request = Request {
        installation: &installation().await,
        cloud: &cloud,
        accounts: &accounts,
        has_application_credentials,
        list: TestList::scs_0128(),
        tests,
        mark: &mark.mark(),
        limit,
        keep: None,
    };
    let mut events = Vec::new();
    let outcome = run(&request, &mut |event| events.push(event), stop).await.unwrap();
    let marks = Marks { run: Some(mark), ours: true, prefixes: Vec::new() };
    let (left, troubles) = find_marked(&main, &marks).await;
    assert!(troubles.is_empty(), "{troubles:?}");
    assert!(left.is_empty(), "these tests take down what they create: {left:?}");
    (outcome, events)
}

#[tokio::test]
async fn a_dozen_tests_pass_on_a_real_cloud() {
    let tests = tests(&DOZEN);
    let (Outcome { run, created }, events) =
        run_all(&tests, Duration::from_mins(4), std::future::pending()).await;
    assert_eq!(run.failed, []);
    assert_eq!(run.cut_short, None);
    assert_eq!((run.passed.len(), run.skipped.len()), (DOZEN.len() - SKIPPED, SKIPPED), "{:?}", run.skipped);
    assert_eq!(run.not_run.len(), 258 - DOZEN.len());
    assert_eq!(run.version.as_deref(), Some(TestList::scs_0128().checked.as_str()));
    assert!(run.skipped.iter().all(|skip| skip.reason.len() > 10), "{:?}", run.skipped);

    let passed = |event: &&Event| matches!(event, Event::Ended { ending: Ending::Passed, .. });
    assert_eq!(events.iter().filter(passed).count(), run.passed.len(), "each was told when it ended");
    let kinds: BTreeSet<&str> = created.iter().map(|created| created.kind.as_str()).collect();
    for kind in ["servers", "keypairs", "networks", "subnets", "ports", "volumes"] {
        assert!(kinds.contains(kind), "{kind} are told: {kinds:?}");
    }
    let is_marked = |text: &str| run.conf.contains(text);
    assert!(
        is_marked("resource_name_prefix = assay-") && !is_marked("testbed\n"),
        "no password: {}",
        run.conf
    );
}

#[tokio::test]
async fn an_application_credential_is_refused_with_the_reason() {
    let why = password_account(&session("testbed-appcred").await).await.unwrap_err().to_string();
    assert!(why.contains("application credential") && why.contains("users with passwords"), "{why}");
}

#[tokio::test]
async fn discovery_finds_what_servers_need() {
    let Discovered { cloud, has_application_credentials } =
        discover(&session("testbed").await).await.unwrap();
    assert!(has_application_credentials, "the testbed makes one");
    assert!(cloud.image.is_some() && cloud.other_image.is_some() && cloud.image != cloud.other_image);
    assert!(cloud.flavor.is_some() && cloud.other_flavor.is_some() && cloud.flavor != cloud.other_flavor);
    assert!(cloud.external_network.is_some());
    assert_eq!(cloud.fixed_network.as_deref(), Some("private"));
    assert_eq!(cloud.catalog_types.volume.as_deref(), Some("volumev3"));
    assert!(cloud.network_extensions.iter().any(|alias| alias == "security-group"));
    for versions in [cloud.compute_microversions, cloud.volume_microversions] {
        let (lowest, highest) = versions.unwrap();
        assert!(lowest.contains('.') && highest.contains('.') && lowest != highest, "{lowest} {highest}");
    }
}

#[tokio::test]
#[ignore = "takes about ten minutes; ./test --full runs it"]
async fn all_tests_of_the_standard_pass_on_a_real_cloud() {
    let all: Vec<&Test> = TestList::scs_0128().tests.iter().collect();
    let (Outcome { run, .. }, _) = run_all(&all, Duration::from_hours(1), std::future::pending()).await;
    assert_eq!(run.failed, []);
    assert_eq!(run.not_run, Vec::<String>::new());
    assert!(run.passed.len() >= 240, "{} passed", run.passed.len());
}
