// errors: E0624
// A mask cannot be applied outside of the crate.
use mailping_core::intake::Mask;

fn main() {
    let _ = Mask::default().apply("192.0.2.7".parse().unwrap());
}
