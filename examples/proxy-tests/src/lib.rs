//! The privacy chapter's proxy snippets, run in front of an example service: see the tests.
