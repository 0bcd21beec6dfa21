// errors: E0061 E0277
// Bulk mail cannot be tracked on another basis than consent.
use mailping_core::{Basis, NewPing};

fn main() {
    let _ = NewPing::bulk("newsletter-7", Basis::Contract);
}
