use std::borrow::Cow;

use assay_report::{ReadError, official_document, official_documents};
use assay_signature::Signature;
use assay_yaml::documents;

use super::Record;

/// What is kept of reports: a body that was sent, or what another monitor had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// A stream of YAML documents behind its signature.
    SignedYaml,
    /// One JSON object behind its signature: a report as the reference checker writes it, or several of ours.
    SignedJson,
    /// The record of a reference monitor, which nobody signed.
    Recorded,
}

/// A report within a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'p> {
    /// How many lines of the payload stand before it.
    pub lines_before: usize,
    /// The report, as the reference checker would have written it.
    pub text: Cow<'p, str>,
}

impl<'p> From<assay_yaml::Document<'p>> for Document<'p> {
    fn from(document: assay_yaml::Document<'p>) -> Self {
        Self { lines_before: document.lines_before, text: Cow::Borrowed(document.text) }
    }
}

impl MediaType {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            MediaType::SignedYaml => "application/x-signed-yaml",
            MediaType::SignedJson => "application/x-signed-json",
            MediaType::Recorded => "application/x-recorded-jsonl",
        }
    }

    /// The documents of a payload, as the reference checker would have written them.
    ///
    /// # Errors
    /// It is a report of ours that holds nothing which could be counted.
    pub fn documents(self, payload: &str) -> Result<Vec<Document<'_>>, ReadError> {
        let whole = |text| vec![Document { lines_before: 0, text: Cow::Borrowed(text) }];
        Ok(match self {
            MediaType::SignedYaml => documents(payload).into_iter().map(Document::from).collect(),
            MediaType::SignedJson => match official_documents(payload)? {
                Some(texts) => texts
                    .into_iter()
                    .map(|text| Document { lines_before: 0, text: Cow::Owned(text) })
                    .collect(),
                None => whole(payload),
            },
            MediaType::Recorded => {
                Record::open(payload).map(|record| whole(record.document)).unwrap_or_default()
            }
        })
    }

    /// One of them, counted from 0, as far as possible without reading the others; none if there are fewer.
    ///
    /// # Errors
    /// As [`MediaType::documents`].
    pub(crate) fn document(self, payload: &str, place: usize) -> Result<Option<Document<'_>>, ReadError> {
        if self == MediaType::SignedJson
            && let Some(text) = official_document(payload, place)?
        {
            return Ok(Some(Document { lines_before: 0, text: Cow::Owned(text) }));
        }
        Ok(self.documents(payload)?.into_iter().nth(place))
    }

    /// As it is stored.
    pub(crate) fn of_stored(value: &str) -> Option<Self> {
        Self::from_header(value).or((value == MediaType::Recorded.as_str()).then_some(MediaType::Recorded))
    }

    /// What may be sent. Parameters are not taken, as the reference monitor does not.
    pub(crate) fn from_header(value: &str) -> Option<Self> {
        [MediaType::SignedYaml, MediaType::SignedJson].into_iter().find(|media| media.as_str() == value)
    }
}

/// A signature and what it was made over, as two `--data-binary` of curl send them: with `&` between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'b> {
    /// Armoured, with its line breaks.
    pub signature: &'b str,
    /// What it was made over, byte for byte.
    pub payload: &'b str,
}

impl<'b> Envelope<'b> {
    /// None if there is no signature in front.
    pub fn open(body: &'b str) -> Option<Self> {
        let begin = body.trim_start();
        if !begin.starts_with(Signature::HEADER) {
            return None;
        }
        let end = body.find(Signature::FOOTER)? + Signature::FOOTER.len();
        let rest = &body[end..];
        let rest = rest.strip_prefix('\r').unwrap_or(rest);
        let rest = rest.strip_prefix('\n').unwrap_or(rest);
        let payload = rest.strip_prefix('&')?;
        Some(Self { signature: &body[..body.len() - payload.len() - 1], payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_puts_an_ampersand_between() {
        let signature = "-----BEGIN SSH SIGNATURE-----\nAA\n-----END SSH SIGNATURE-----\n";
        for payload in ["---\na: b & c\n", "", "&"] {
            let body = format!("{signature}&{payload}");
            assert_eq!(Envelope::open(&body), Some(Envelope { signature, payload }));
        }
        for body in
            ["", "&", "---\na: 1\n", signature, &format!("{signature}---\n"), &format!("x{signature}&y")]
        {
            assert_eq!(Envelope::open(body), None, "{body}");
        }
    }
}
