//! The judgement of every testcase, one file per standard, and the registry.
