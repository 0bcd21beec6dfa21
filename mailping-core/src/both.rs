//! Two futures at once without a runtime: over a network each is a wait, and the waits need not add
//! up.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// What both come to, when both have.
pub(crate) async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(|context| {
        if of_a.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(context)
        {
            of_a = Some(done);
        }
        if of_b.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(context)
        {
            of_b = Some(done);
        }
        match (of_a.take(), of_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            waiting => {
                (of_a, of_b) = waiting;
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Ready once it has been polled so many times, each poll noted by its name.
    fn after(polls: usize, name: char, notes: &mpsc::Sender<char>) -> impl Future<Output = char> {
        let (notes, mut left) = (notes.clone(), polls);
        poll_fn(move |context| {
            notes.send(name).unwrap();
            left -= 1;
            context.waker().wake_by_ref();
            if left == 0 { Poll::Ready(name) } else { Poll::Pending }
        })
    }

    #[test]
    fn both_are_begun_before_either_is_done_and_none_is_polled_after_its_end() {
        for (a, b, polled) in [(2, 2, "abab"), (1, 3, "abbb"), (3, 1, "abaa"), (1, 1, "ab")] {
            let (notes, noted) = mpsc::channel();
            let done = pollster::block_on(both(after(a, 'a', &notes), after(b, 'b', &notes)));
            drop(notes);
            assert_eq!((done, noted.iter().collect::<String>().as_str()), (('a', 'b'), polled));
        }
    }
}
