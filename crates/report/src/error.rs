/// A report could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The command line renders this format, because it knows the terminal.
    #[error("the format `human` is made for a terminal and cannot be rendered here; choose another format")]
    Human,
    /// OSCAL has no results without a subject.
    #[error("there is no report, and OSCAL has no assessment results without one")]
    NoSubject,
    /// The JSON could not be written.
    #[error("could not write the report as JSON")]
    Json(#[from] serde_json::Error),
    /// The XML could not be written.
    #[error("could not write the report as JUnit XML")]
    Junit(#[from] quick_junit::SerializeError),
    /// The page could not be written.
    #[error("could not write the report as an HTML page")]
    Html(#[from] askama::Error),
}
