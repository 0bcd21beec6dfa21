// errors: E0609
// An open has no field for an agent, and cannot be made with further ones.
use mailping_core::receipts::Open;

fn keep(open: &mut Open) {
    open.user_agent = "Mozilla/5.0".to_owned();
}

fn main() {}
