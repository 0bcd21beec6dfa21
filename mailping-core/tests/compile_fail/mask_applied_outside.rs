// errors: E0432
// A mask cannot be named, and so not applied, outside of the crate.
use mailping_core::intake::Mask;

fn main() {
    let _ = Mask::default().apply("192.0.2.7".parse().unwrap());
}
