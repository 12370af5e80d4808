//! `assay declare`: what people answer for the testcases that no program can decide, and its way into reports.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use assay_report::{Declared, declared};
use assay_standards::declaration::{Declaration, Demand, Questionnaire, template};
use assay_standards::scope::{Selection, Spec};
use assay_testcases::Judgement;
use clap::Args;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::against::{self, TOOL};
use crate::args::Global;
use crate::failure::Failure;
use crate::human::{columns, wrapped};
use crate::output::{note, print, write_file};

#[derive(Debug, Args)]
#[command(
    override_usage = "assay declare [OPTIONS] SUBJECT ANSWERS\n       assay declare [OPTIONS] --questions [TESTCASE]"
)]
pub(crate) struct Declare {
    /// Who the answers are about: the name of the cloud in clouds.yaml, as in reports
    #[arg(value_name = "SUBJECT", required_unless_present = "questions")]
    pub(crate) subject: Option<String>,
    /// The answers: a file as --questions prints it, filled in, or an earlier declaration with a new date
    #[arg(value_name = "ANSWERS", required_unless_present = "questions")]
    pub(crate) answers: Option<PathBuf>,
    /// Print a file of questions to fill in: those of one testcase, or all
    #[arg(long, value_name = "TESTCASE", num_args = 0..=1, conflicts_with_all = ["subject", "answers"])]
    #[expect(clippy::option_option, reason = "not given, given for all, given for one")]
    pub(crate) questions: Option<Option<String>>,
    /// Write the result to a file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What people declared about the clouds of a check.
#[derive(Debug, Args)]
#[command(next_help_heading = "Declarations")]
pub(crate) struct Declaring {
    /// Files that assay declare made about the clouds, for testcases that people decide
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) declarations: Vec<PathBuf>,
    /// The subject that the declarations name, if it is not the name of the cloud
    #[arg(long, value_name = "NAME", requires = "declarations")]
    pub(crate) subject: Option<String>,
}

/// Files of answers have some KiB; what is larger than the parser takes need not be read to its end.
const MOST_BYTES: u64 = 2 << 20;

pub(crate) fn run(arguments: &Declare, global: &Global) -> Result<u8, Failure> {
    let (text, said) = match (&arguments.questions, &arguments.subject, &arguments.answers) {
        (None, Some(subject), Some(answers)) => {
            let text = read(answers, "`assay declare --questions` prints a file to fill in")?;
            let file_name = answers.display().to_string();
            let declaration = Declaration::from_answers(&file_name, &text, subject, TOOL, latest())?;
            let yaml = declaration
                .to_yaml()
                .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
            (yaml, summary(&declaration))
        }
        (questions, ..) => (template(&questionnaires(questions.as_ref())?), String::new()),
    };
    match &arguments.output {
        Some(path) => write_file(path, text.as_bytes())?,
        None => print(&text)?,
    }
    if !global.quiet {
        if let Some(path) = &arguments.output {
            note(&format!("wrote {}", path.display()));
        }
        if !said.is_empty() {
            note(said.trim_end());
        }
    }
    Ok(0)
}

/// The questions of the testcase that was named, or all.
fn questionnaires(named: Option<&Option<String>>) -> Result<Vec<&'static Questionnaire>, Failure> {
    let all = Questionnaire::all();
    let Some(Some(id)) = named else {
        return Ok(all.iter().collect());
    };
    let known = || all.iter().map(|known| known.testcase.as_str()).collect::<Vec<_>>().join(", ");
    Questionnaire::of(id).map(|found| vec![found]).ok_or_else(|| {
        Failure::usage(
            format!("there is no manual testcase {id}"),
            format!("people decide {}; all other testcases are measured", known()),
        )
    })
}

/// What the answers come to and how long they count.
fn summary(declaration: &Declaration) -> String {
    let mut text = String::new();
    let mut line = |words: String, indent: &str| {
        text.push_str(&wrapped(&words, columns(), indent, &format!("{indent}  ")));
        text.push('\n');
    };
    for declared in &declaration.testcases {
        let id = &declared.questionnaire.testcase;
        let lifetime = Spec::embedded_iaas().testcase(id).map(|testcase| testcase.lifetime);
        let words = format!(
            "{id}: declared {}; counts through {} officially, through {} by the text",
            declared.verdict(),
            declaration.counts_through(lifetime.unwrap_or_default()),
            declaration.counts_through(Declaration::LIFETIME),
        );
        line(words, "");
        for (demand, words) in [(Demand::Must, "does not conform"), (Demand::Should, "is not recommended")] {
            for answer in declared.shortfalls(demand) {
                let (question, choice) = (&answer.question.id, answer.choice);
                line(format!("{question}: {} {words} ({})", choice.answer, choice.means), "  ");
            }
        }
    }
    text
}

/// The last day that has begun anywhere on Earth: whoever signs there shall not be told that it is the future.
fn latest() -> Date {
    let now = Timestamp::now();
    against::day(now.checked_add(SignedDuration::from_hours(14)).unwrap_or(now))
}

/// Reads a file that people wrote.
pub(crate) fn read(path: &Path, hint: &str) -> Result<String, Failure> {
    let shown = path.display();
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
        .map_err(|error| Failure::usage(format!("{shown} cannot be read: {error}"), hint))?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{shown} is not text in UTF-8"), hint))
}

/// The declarations of a check.
#[derive(Debug)]
pub(crate) struct Declarations {
    all: Vec<Declaration>,
    subject: Option<String>,
}

/// Judgements and what they are made of, by testcase.
pub(crate) type Stated = (BTreeMap<String, Judgement>, BTreeMap<String, Declared>);

impl Declarations {
    /// Reads the files that the arguments name.
    pub(crate) fn read(declaring: &Declaring) -> Result<Self, Failure> {
        let latest = latest();
        let one = |path: &PathBuf| {
            let text = read(path, "`assay declare SUBJECT ANSWERS -o FILE` makes a declaration")?;
            Ok(Declaration::parse(&path.display().to_string(), &text, latest)?)
        };
        let all = declaring.declarations.iter().map(one).collect::<Result<_, Failure>>()?;
        Ok(Declarations { all, subject: declaring.subject.clone() })
    }

    /// Makes sure that each is about one of the clouds: one that nobody looks at helps nobody.
    pub(crate) fn expect_about<'c>(&self, clouds: impl IntoIterator<Item = &'c str>) -> Result<(), Failure> {
        let clouds: Vec<&str> = clouds.into_iter().collect();
        if self.subject.is_some() && clouds.len() > 1 {
            return Err(Failure::usage(
                format!("--subject stands for one cloud, but {} are checked", clouds.len()),
                "check them one by one",
            ));
        }
        let is_stray = |one: &&Declaration| !clouds.iter().any(|cloud| self.is_about(one, cloud));
        match self.all.iter().find(is_stray) {
            None => Ok(()),
            Some(stray) => Err(Failure::usage(
                format!(
                    "there is a declaration about {}, but what is checked is {}",
                    stray.subject,
                    self.subject.clone().unwrap_or_else(|| clouds.join(", "))
                ),
                "leave it out, or say with --subject that the cloud is known by this name",
            )),
        }
    }

    fn is_about(&self, declaration: &Declaration, cloud: &str) -> bool {
        declaration.subject == self.subject.as_deref().unwrap_or(cloud)
    }

    /// What they make of the testcases on a day.
    pub(crate) fn judge(&self, cloud: &str, selection: &Selection<'_>, on: Date) -> Stated {
        let about: Vec<&Declaration> = self.all.iter().filter(|one| self.is_about(one, cloud)).collect();
        let mut stated = Stated::default();
        for selected in &selection.testcases {
            let testcase = selected.testcase;
            if let Some((judgement, declared)) = declared(testcase, &about, on) {
                stated.0.insert(testcase.id.clone(), judgement);
                stated.1.insert(testcase.id.clone(), declared);
            }
        }
        stated
    }
}
