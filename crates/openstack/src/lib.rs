//! Sessions with OpenStack clouds and the collector of facts.
