//! Nothing: the suites are the integration tests of this package, one for each schema.
