//! The corpus, the known holes and the limits of reading a client's address.
use super::*;
