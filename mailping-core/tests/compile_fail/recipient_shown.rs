// errors: E0603
// The type that holds a recipient's address cannot be named outside of the crate.
use mailping_core::people::Recipient;

fn show(recipient: &Recipient) -> String {
    recipient.to_string()
}

fn main() {}
