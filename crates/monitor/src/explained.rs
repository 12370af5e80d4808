/// What is told about a testcase beyond what its scope says. The monitor judges nothing, so that whoever starts it hands
/// these texts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The testcase.
    pub testcase: String,
    /// The document that demands it, such as `scs-0100-v3`.
    pub standard: String,
    /// The place in the document, in words.
    pub clause: String,
    /// How binding it is, as a word of RFC 2119.
    pub demand: String,
    /// What it checks, in one line.
    pub title: String,
    /// Why it matters, and what exactly is looked at.
    pub explanation: String,
    /// What to do when it fails.
    pub remedy: String,
}
