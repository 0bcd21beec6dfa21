//! What the host calls: it asks for room, writes a text there, and says what to do with it.
//! Nothing here reads memory by an address; the host does.
#![allow(unsafe_code, reason = "an exported name may clash with another, so that it counts as unsafe")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::answers;

struct Memory {
    room: Vec<u8>,
    places: Option<Vec<u8>>,
    answers: String,
}

static MEMORY: Mutex<Memory> = Mutex::new(Memory { room: Vec::new(), places: None, answers: String::new() });

fn memory() -> MutexGuard<'static, Memory> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes room for so many bytes, and says where.
#[unsafe(no_mangle)]
extern "C" fn mailping_room(bytes: usize) -> *mut u8 {
    let mut memory = memory();
    memory.room = vec![0; bytes];
    memory.room.as_mut_ptr()
}

/// Takes what is in the room as the geo database.
#[unsafe(no_mangle)]
extern "C" fn mailping_places() {
    let mut memory = memory();
    memory.places = Some(std::mem::take(&mut memory.room));
}

/// Judges the corpus in the room. How many bytes the answers have; none if a line cannot be read.
#[unsafe(no_mangle)]
extern "C" fn mailping_judge() -> usize {
    let mut memory = memory();
    let corpus = std::mem::take(&mut memory.room);
    let judged =
        str::from_utf8(&corpus).ok().and_then(|corpus| answers(corpus, memory.places.as_deref()).ok());
    memory.answers = judged.unwrap_or_default();
    memory.answers.len()
}

/// Where the answers are.
#[unsafe(no_mangle)]
extern "C" fn mailping_answers() -> *const u8 {
    memory().answers.as_ptr()
}
