//! What SCS demands: scope specs and their evaluation, flavor names, requirement tables.
