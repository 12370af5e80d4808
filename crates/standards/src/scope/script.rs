//! The programs a scope spec names as printing the verdicts of testcases.

use std::collections::BTreeMap;

/// A program that prints the verdicts of some testcases, or, without `executable`, a set of manual checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The program as written; see [`Script::program`]. Absent for manual checks.
    pub executable: Option<String>,
    /// Template of the command line, see [`Script::render_args`].
    pub args: String,
    /// Templates of additional environment variables, see [`Script::render_env`].
    pub env: BTreeMap<String, String>,
    /// Ids of the testcases, in file order.
    pub testcases: Vec<String>,
}

/// Why a script cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The script stands for manual checks.
    #[error("the script has no executable: its testcases are checked by people")]
    Manual,
    /// The program would have to be fetched from the network first.
    #[error("remote executable `{0}` is refused; download it, review it, and name the local file")]
    Remote(String),
    /// A placeholder names no assigned variable.
    #[error("variable `{0}` is not assigned")]
    UnknownVariable(String),
    /// A placeholder is more than a plain name.
    #[error("placeholder `{{{0}}}` is not supported: only plain names such as `{{os_cloud}}` are")]
    Placeholder(String),
    /// A brace without its counterpart.
    #[error("single `{0}` in template; write it twice to mean the character itself")]
    SingleBrace(char),
}

impl Script {
    /// The path of the program, relative to the directory of the spec file, with any `file://` removed.
    pub fn program(&self) -> Result<&str, RenderError> {
        let executable = self.executable.as_deref().ok_or(RenderError::Manual)?;
        let scheme = executable.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => Err(RenderError::Remote(executable.to_owned())),
            _ => Ok(executable.strip_prefix("file://").unwrap_or(executable)),
        }
    }

    /// The command line with variables filled in, still to be split by the rules of a shell.
    ///
    /// `{name}` stands for the value assigned to that variable, `{testcases}` for the given ids, sorted and
    /// separated by blanks; `{{` and `}}` stand for single braces. Values are not expanded again.
    pub fn render_args(
        &self,
        assignment: &BTreeMap<String, String>,
        testcases: &[&str],
    ) -> Result<String, RenderError> {
        self.program()?;
        expand(&self.args, assignment, &joined(testcases))
    }

    /// The additional environment, by the rules of [`Script::render_args`].
    pub fn render_env(
        &self,
        assignment: &BTreeMap<String, String>,
        testcases: &[&str],
    ) -> Result<BTreeMap<String, String>, RenderError> {
        let testcases = joined(testcases);
        let expanded = |value: &String| expand(value, assignment, &testcases);
        self.env.iter().map(|(name, value)| Ok((name.clone(), expanded(value)?))).collect()
    }
}

fn joined(testcases: &[&str]) -> String {
    let mut ids = testcases.to_vec();
    ids.sort_unstable();
    ids.join(" ")
}

fn expand(
    template: &str,
    assignment: &BTreeMap<String, String>,
    testcases: &str,
) -> Result<String, RenderError> {
    let mut expanded = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        expanded.push_str(&rest[..at]);
        let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
        if let Some(after) = after.strip_prefix(brace) {
            expanded.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(RenderError::SingleBrace('}'));
        }
        let (name, after) = after.split_once('}').ok_or(RenderError::SingleBrace('{'))?;
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(RenderError::Placeholder(name.to_owned()));
        }
        // The ids win over a variable of that name, as they do in the reference.
        let value =
            if name == "testcases" { Some(testcases) } else { assignment.get(name).map(String::as_str) };
        expanded.push_str(value.ok_or_else(|| RenderError::UnknownVariable(name.to_owned()))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn script(executable: Option<&str>, args: &str) -> Script {
        Script {
            executable: executable.map(str::to_owned),
            args: args.to_owned(),
            env: BTreeMap::new(),
            testcases: Vec::new(),
        }
    }

    fn assignment() -> BTreeMap<String, String> {
        BTreeMap::from([("os_cloud".to_owned(), "my {cloud}".to_owned()), ("k".to_owned(), String::new())])
    }

    fn render(args: &str) -> Result<String, RenderError> {
        script(Some("./x.py"), args).render_args(&assignment(), &["b", "a"])
    }

    #[test]
    fn placeholders_are_filled_in_once() {
        for (template, expected) in [
            ("-c {os_cloud} {testcases}", "-c my {cloud} a b"),
            ("{{os_cloud}}", "{os_cloud}"),
            ("{{{os_cloud}}}", "{my {cloud}}"),
            ("[{k}]", "[]"),
            ("ä{k}ö", "äö"),
            ("", ""),
        ] {
            assert_eq!(render(template).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn bad_templates_are_explained() {
        for (template, expected) in [
            ("{cloud}", "variable `cloud` is not assigned"),
            ("{}", "placeholder `{}` is not supported: only plain names such as `{os_cloud}` are"),
            ("{k!r}", "placeholder `{k!r}` is not supported: only plain names such as `{os_cloud}` are"),
            ("{k:>3}", "placeholder `{k:>3}` is not supported: only plain names such as `{os_cloud}` are"),
            ("a } b", "single `}` in template; write it twice to mean the character itself"),
            ("{os_cloud", "single `{` in template; write it twice to mean the character itself"),
        ] {
            assert_eq!(render(template).unwrap_err().to_string(), expected, "{template}");
        }
    }

    #[test]
    fn only_local_programs_are_started() {
        let program = |executable| script(executable, "").program().map(str::to_owned);
        assert_eq!(program(Some("./iaas/x.py")), Ok("./iaas/x.py".to_owned()));
        assert_eq!(program(Some("file:///opt/x.py")), Ok("/opt/x.py".to_owned()));
        for remote in ["https://example.com/x.py", "http://example.com/x.py", "HTTPS://example.com/x.py"] {
            assert_eq!(program(Some(remote)), Err(RenderError::Remote(remote.to_owned())));
            let error = script(Some(remote), "").render_args(&assignment(), &[]).unwrap_err();
            assert_eq!(error, RenderError::Remote(remote.to_owned()));
        }
        assert_eq!(program(None), Err(RenderError::Manual));
    }

    #[test]
    fn the_environment_follows_the_same_rules() {
        let mut script = script(Some("x"), "");
        script.env = BTreeMap::from([("T".to_owned(), "{testcases}".to_owned())]);
        let env = script.render_env(&BTreeMap::new(), &["z", "a"]).unwrap();
        assert_eq!(env["T"], "a z");
        script.env.insert("C".to_owned(), "{os_cloud}".to_owned());
        let error = script.render_env(&BTreeMap::new(), &[]).unwrap_err();
        assert_eq!(error, RenderError::UnknownVariable("os_cloud".to_owned()));
    }

    proptest! {
        #[test]
        fn doubled_braces_give_back_any_text(text in ".*") {
            let template = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(render(&template).unwrap(), text);
        }

        #[test]
        fn arbitrary_templates_never_panic(template in r"[{}a-z ä:!]*") {
            let _ = render(&template);
        }
    }
}
