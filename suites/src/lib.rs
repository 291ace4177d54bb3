//! Empty: the suites are the integration tests of this package, one per schema.
