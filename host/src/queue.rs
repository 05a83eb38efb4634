//! Between two threads: items in order, bounded by their bytes. When it is full, whoever adds waits (`block`).
//!
//! The end is part of the queue: it is closed when the last sender is gone, and a sender learns that the receiver
//! is gone. An item that is larger than the whole queue passes alone. Whoever waits can be called away with a
//! [`Bell`], and loses nothing by it. A [`Depth`] tells what waits in it, and keeps nobody and nothing alive.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::bell::{Bell, Wake};

/// A queue that holds `capacity` bytes.
pub fn queue<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            items: VecDeque::new(),
            bytes: 0,
            senders: 1,
            received: true,
            waiting: 0,
            full_since: None,
            full: Duration::ZERO,
        }),
        capacity,
        changed: Condvar::new(),
    });
    (Sender { shared: shared.clone() }, Receiver { shared })
}

/// Adds items; clones add to the same queue.
#[derive(Debug)]
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// Takes items out.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
}

/// Tells what waits in a queue.
#[derive(Clone)]
pub struct Depth(Weak<dyn Measured>);

/// What waits in a queue now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many items.
    pub items: usize,
    /// Their bytes.
    pub bytes: usize,
    /// The bytes that there is room for.
    pub capacity: usize,
    /// How long the first of them has been there.
    pub oldest: Option<Duration>,
    /// How long somebody had to wait to add one, all such times together.
    pub full: Duration,
}

trait Measured: Send + Sync {
    fn measure(&self) -> Waiting;
}

/// The receiver is gone; the item comes back.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed<T>(pub T);

/// An item was not added, and comes back.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsent<T> {
    /// The receiver is gone.
    Closed(T),
    /// The bell rang while the queue was full.
    Called(T),
}

/// What taking an item out gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// The next item.
    Item(T),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    Closed,
    /// The bell rang before anything came.
    Called,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    capacity: usize,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<Queued<T>>,
    bytes: usize,
    senders: usize,
    /// The receiver is still there.
    received: bool,
    /// How many wait to add an item.
    waiting: usize,
    /// Since when anybody does.
    full_since: Option<Instant>,
    /// How long anybody did before.
    full: Duration,
}

#[derive(Debug)]
struct Queued<T> {
    item: T,
    bytes: usize,
    since: Instant,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item; waits while the queue is full, unless it is called away.
    fn send(&self, item: T, bytes: usize, is_called: impl Fn() -> bool) -> Result<(), Unsent<T>> {
        let mut state = self.lock();
        while state.received && state.bytes > 0 && state.bytes + bytes > self.capacity {
            if is_called() {
                return Err(Unsent::Called(item));
            }
            state.begin_to_wait();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.end_to_wait();
        }
        if !state.received {
            return Err(Unsent::Closed(item));
        }
        state.items.push_back(Queued { item, bytes, since: Instant::now() });
        state.bytes += bytes;
        self.changed.notify_all();
        Ok(())
    }
}

impl<T> State<T> {
    fn begin_to_wait(&mut self) {
        self.waiting += 1;
        self.full_since.get_or_insert_with(Instant::now);
    }

    fn end_to_wait(&mut self) {
        self.waiting -= 1;
        if self.waiting == 0 {
            self.full += self.full_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        }
    }
}

impl<T: Send> Measured for Shared<T> {
    fn measure(&self) -> Waiting {
        let state = self.lock();
        Waiting {
            items: state.items.len(),
            bytes: state.bytes,
            capacity: self.capacity,
            oldest: state.items.front().map(|first| first.since.elapsed()),
            full: state.full + state.full_since.map_or(Duration::ZERO, |since| since.elapsed()),
        }
    }
}

impl Depth {
    /// What waits there; none: both ends are gone.
    pub fn read(&self) -> Option<Waiting> {
        self.0.upgrade().map(|queue| queue.measure())
    }
}

impl fmt::Debug for Depth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Depth").field(&self.read()).finish()
    }
}

impl<T: Send> Wake for Shared<T> {
    fn wake(&self) {
        // With the lock, so that nobody is between looking at the bell and waiting.
        let _state = self.lock();
        self.changed.notify_all();
    }
}

impl<T> Sender<T> {
    /// Adds an item of `bytes` bytes; waits while the queue is full.
    pub fn send(&self, item: T, bytes: usize) -> Result<(), Closed<T>> {
        self.shared.send(item, bytes, || false).map_err(|unsent| match unsent {
            Unsent::Closed(item) | Unsent::Called(item) => Closed(item),
        })
    }

    /// The same, but does not wait while the bell rings.
    pub fn send_unless_called(&self, item: T, bytes: usize, bell: &Bell) -> Result<(), Unsent<T>> {
        self.shared.send(item, bytes, || bell.is_ringing())
    }
}

impl<T: Send + 'static> Sender<T> {
    /// What tells how much waits here.
    pub fn depth(&self) -> Depth {
        let queue: Arc<dyn Measured> = self.shared.clone();
        Depth(Arc::downgrade(&queue))
    }

    /// From now on the bell is heard by those who wait here.
    pub fn listen(&self, bell: &Bell) {
        bell.add(self.shared.clone());
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.shared.lock().senders += 1;
        Sender { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.lock().senders -= 1;
        self.shared.changed.notify_all();
    }
}

impl<T> Receiver<T> {
    /// Whether an item waits here. If that is so whenever this is asked, whoever adds is faster than whoever takes.
    pub fn is_waiting(&self) -> bool {
        !self.shared.lock().items.is_empty()
    }

    /// Takes the next item out; waits for it until `until`, or for ever.
    pub fn take(&self, until: Option<Instant>) -> Taken<T> {
        self.take_or(until, || false)
    }

    /// The same, but does not wait while the bell rings.
    pub fn take_unless_called(&self, until: Instant, bell: &Bell) -> Taken<T> {
        self.take_or(Some(until), || bell.is_ringing())
    }

    fn take_or(&self, until: Option<Instant>, is_called: impl Fn() -> bool) -> Taken<T> {
        let mut state = self.shared.lock();
        loop {
            if let Some(Queued { item, bytes, .. }) = state.items.pop_front() {
                state.bytes -= bytes;
                self.shared.changed.notify_all();
                return Taken::Item(item);
            }
            if state.senders == 0 {
                return Taken::Closed;
            }
            if is_called() {
                return Taken::Called;
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Taken::Nothing,
                Some(left) => {
                    self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// From now on the bell is heard by whoever waits here.
    pub fn listen(&self, bell: &Bell) {
        bell.add(self.shared.clone());
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.lock().received = false;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn items_come_out_in_order_and_the_end_after_them() {
        let (sender, receiver) = queue(100);
        sender.send(1, 10).unwrap();
        sender.clone().send(2, 10).unwrap();
        drop(sender);
        assert_eq!(receiver.take(None), Taken::Item(1));
        assert_eq!(receiver.take(None), Taken::Item(2));
        assert_eq!(receiver.take(None), Taken::Closed);
    }

    #[test]
    fn nothing_comes_in_time() {
        let (_sender, receiver) = queue::<u8>(100);
        assert_eq!(receiver.take(Some(Instant::now())), Taken::Nothing);
    }

    #[test]
    fn a_full_queue_makes_its_senders_wait_and_never_holds_more_than_its_bytes() {
        let (sender, receiver) = queue(100);
        let adding = thread::spawn(move || (0..1000).try_for_each(|item| sender.send(item, 30)));
        for expected in 0..1000 {
            assert!(receiver.shared.lock().bytes <= 100);
            assert_eq!(receiver.take(None), Taken::Item(expected));
        }
        adding.join().unwrap().unwrap();
    }

    #[test]
    fn a_depth_tells_what_waits_and_keeps_nothing_alive() {
        let (sender, receiver) = queue(100);
        let depth = sender.depth();
        let empty = Waiting { items: 0, bytes: 0, capacity: 100, oldest: None, full: Duration::ZERO };
        assert_eq!(depth.read(), Some(empty));
        let item = Arc::new(());
        sender.send(item.clone(), 40).unwrap();
        sender.send(item.clone(), 50).unwrap();
        let waiting = depth.read().unwrap();
        assert_eq!((waiting.items, waiting.bytes, waiting.full), (2, 90, Duration::ZERO));
        let adding = thread::spawn(move || sender.send(item, 20));
        // It waits, and that is seen while it does.
        let full = loop {
            let waiting = depth.read().unwrap();
            assert_eq!(waiting.items, 2);
            if !waiting.full.is_zero() {
                break waiting.full;
            }
            thread::yield_now();
        };
        receiver.take(None);
        adding.join().unwrap().unwrap();
        let waiting = depth.read().unwrap();
        assert_eq!((waiting.items, waiting.bytes), (2, 70));
        assert!(waiting.full >= full && waiting.oldest.is_some());
        assert_eq!(depth.read().unwrap().full, waiting.full);
        drop(receiver);
        assert_eq!(depth.read(), None);
    }

    #[test]
    fn an_item_that_is_too_large_passes_alone() {
        let (sender, receiver) = queue(100);
        sender.send("large", 1000).unwrap();
        let adding = thread::spawn(move || sender.send("next", 1));
        assert_eq!(receiver.take(None), Taken::Item("large"));
        adding.join().unwrap().unwrap();
        assert_eq!(receiver.take(None), Taken::Item("next"));
    }

    #[test]
    fn whoever_waits_is_called_away_and_nothing_is_lost() {
        let (bell, (sender, receiver)) = (Bell::default(), queue(10));
        sender.listen(&bell);
        receiver.listen(&bell);
        sender.send(1, 10).unwrap();
        let waiting = {
            let (sender, bell) = (sender.clone(), bell.clone());
            thread::spawn(move || sender.send_unless_called(2, 10, &bell))
        };
        bell.ring();
        assert_eq!(waiting.join().unwrap(), Err(Unsent::Called(2)));
        let later = Instant::now() + Duration::from_secs(600);
        assert_eq!(receiver.take_unless_called(later, &bell), Taken::Item(1));
        assert_eq!(receiver.take_unless_called(later, &bell), Taken::Called);
        // With room nobody has to wait, so nobody is called away.
        assert_eq!(sender.send_unless_called(2, 10, &bell), Ok(()));
        bell.stop();
        assert_eq!(receiver.take_unless_called(later, &bell), Taken::Item(2));
    }

    #[test]
    fn a_sender_learns_that_the_receiver_is_gone() {
        let (sender, receiver) = queue(10);
        sender.send(1, 10).unwrap();
        let adding = thread::spawn(move || sender.send(2, 10));
        drop(receiver);
        assert_eq!(adding.join().unwrap(), Err(Closed(2)));
    }
}
