//! `first_open` beside `axum`: it says what happens, and what happened while it did not run.

use std::process::Stdio;

use mailping_acceptance::{Program, Start};

use crate::{Beside, display, example};

const REFERENCE: &str = "invoice-42";
const OPENED: &str = "invoice-42 was opened at ";

/// In the folder of the program that has the database.
fn first_open(beside: &Start) -> Program {
    let mut command = example("first_open").command(&[]);
    command.current_dir(beside.folder()).arg(REFERENCE).stdin(Stdio::null());
    let program = Program::spawn(command);
    program.wait_for("waiting for invoice-42", 1);
    program
}

fn told(program: &Program) -> usize {
    program.log().matches(OPENED).count()
}

#[test]
fn the_first_open_is_told_once_also_if_nobody_listened() {
    let start = example("axum");
    let server = start.run(&[]);
    let beside = Beside::sqlite(&start);
    let [one, two, other] =
        [REFERENCE, REFERENCE, "invoice-7"].map(|reference| beside.sent_an_hour_ago(reference).1);

    let program = first_open(&start);
    display(server.client(), &other);
    display(server.client(), &one);
    program.wait_for(OPENED, 1);
    display(server.client(), &one);
    program.kill();

    // While it does not run.
    display(server.client(), &two);
    let program = first_open(&start);
    program.wait_for(OPENED, 1);
    let (_, last) = beside.sent_an_hour_ago("invoice-42");
    display(server.client(), &last);
    program.wait_for(OPENED, 2);
    assert_eq!(told(&program), 2, "nothing twice: {}", program.log());
}
