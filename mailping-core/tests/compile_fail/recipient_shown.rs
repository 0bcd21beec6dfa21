// errors: E0277 E0599 E0616
// A recipient's address can be hashed and nothing else: no Display, no field, no Serialize.
use mailping_core::people::Recipient;

fn show(recipient: &Recipient) -> String {
    recipient.to_string()
}

fn text(recipient: &Recipient) -> &str {
    &recipient.0
}

fn serialise(recipient: &Recipient) -> Result<String, serde_json::Error> {
    serde_json::to_string(recipient)
}

fn main() {}
