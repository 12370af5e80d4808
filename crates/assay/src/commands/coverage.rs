use crate::args::Coverage;
use crate::failure::Failure;
pub(crate) fn run(_: &Coverage) -> Result<u8, Failure> {
    Ok(0)
}
