//! A declaration as the file that it is kept in.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::answers::{Answer, Declaration, DeclaredTestcase};

/// A declaration could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the declaration cannot be written as YAML: {0}")]
pub struct WriteError(#[from] serde_saphyr::SerializeError);

impl Declaration {
    /// The declaration as YAML, as [`Declaration::parse`] reads it.
    ///
    /// # Errors
    /// None that is known; what writes YAML may refuse.
    pub fn to_yaml(&self) -> Result<String, WriteError> {
        let file = File {
            format: Self::FORMAT,
            version: 1,
            tool: &self.tool,
            subject: &self.subject,
            signer: Signer {
                name: &self.signer.name,
                role: &self.signer.role,
                contact: &self.signer.contact,
            },
            date: self.date.to_string(),
            testcases: InOrder(&self.testcases),
        };
        // Text in blocks would be folded at blanks, which is harder to compare.
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        Ok(serde_saphyr::to_string_with_options(&file, options)?)
    }
}

#[derive(Serialize)]
struct File<'d> {
    format: &'static str,
    version: u8,
    tool: &'d str,
    subject: &'d str,
    signer: Signer<'d>,
    date: String,
    testcases: InOrder<'d, DeclaredTestcase>,
}

#[derive(Serialize)]
struct Signer<'d> {
    name: &'d str,
    role: &'d str,
    contact: &'d str,
}

/// A list that is written as a map, in its order.
struct InOrder<'d, T>(&'d [T]);

impl Serialize for InOrder<'_, DeclaredTestcase> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for declared in self.0 {
            map.serialize_entry(&declared.questionnaire.testcase, &InOrder(&declared.answers))?;
        }
        map.end()
    }
}

impl Serialize for InOrder<'_, Answer> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for answer in self.0 {
            let written = Written {
                answer: &answer.choice.answer,
                evidence: &answer.evidence,
                remark: answer.remark.as_deref(),
            };
            map.serialize_entry(&answer.question.id, &written)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Written<'d> {
    answer: &'d str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    evidence: &'d [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<&'d str>,
}
