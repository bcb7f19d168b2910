//! What runs while a connection lasts: its queue, its reader and its writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, mpsc::Sender};

use super::link::{Frame, FrameReader, FrameWriter};
use super::wire::{self, Refusal};
use crate::cluster::limits;
use crate::cluster::transport::{Event, Identity, Sent, Tally, add};

/// Bytes that are written at once.
const BATCH: usize = 64 << 10;

/// What waits to be sent.
pub(super) enum Out {
    Message(Vec<u8>),
    /// A command's whole frame.
    Command(Vec<u8>),
    /// Nothing more comes: the connection ends when all before it is sent.
    End,
}

impl Out {
    fn length(&self) -> usize {
        match self {
            Self::Message(bytes) | Self::Command(bytes) => bytes.len(),
            Self::End => 0,
        }
    }
}

/// The sending end of a bounded queue to one peer.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    sender: UnboundedSender<Out>,
    level: Arc<Level>,
}

/// How full it is.
#[derive(Debug, Default)]
struct Level {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

/// The other end.
pub(super) struct Waiting {
    receiver: UnboundedReceiver<Out>,
    level: Arc<Level>,
}

pub(super) fn queue() -> (Queue, Waiting) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let level = Arc::new(Level::default());
    (Queue { sender, level: Arc::clone(&level) }, Waiting { receiver, level })
}

impl Queue {
    /// Queues what there is room for.
    pub(super) fn push(&self, out: Out) -> Sent {
        let length = out.length();
        if length > limits::FRAME {
            return Sent::TooLarge;
        }
        let messages = self.level.messages.fetch_add(1, Ordering::Relaxed);
        let bytes = self.level.bytes.fetch_add(length, Ordering::Relaxed);
        let full = messages >= limits::OUTGOING_MESSAGES || bytes + length > limits::OUTGOING_BYTES;
        let sent = if full {
            Sent::Full
        } else if self.sender.send(out).is_ok() {
            return Sent::Queued;
        } else {
            Sent::Closed
        };
        self.level.release(length);
        sent
    }
}

impl Queue {
    /// Ends the connection once all that waits is sent; however full the queue is.
    pub(super) fn end(&self) {
        self.level.messages.fetch_add(1, Ordering::Relaxed);
        // A connection that has ended needs no end.
        let _ = self.sender.send(Out::End);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.level.messages.load(Ordering::Relaxed) == 0
    }
}

impl Level {
    fn release(&self, length: usize) {
        self.messages.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(length, Ordering::Relaxed);
    }
}

impl Waiting {
    async fn next(&mut self) -> Option<Out> {
        let out = self.receiver.recv().await?;
        self.level.release(out.length());
        Some(out)
    }

    fn next_now(&mut self) -> Option<Out> {
        let out = self.receiver.try_recv().ok()?;
        self.level.release(out.length());
        Some(out)
    }

    /// Messages that will never be sent.
    pub(super) fn left(mut self) -> u64 {
        self.receiver.close();
        let mut left = 0;
        while let Some(out) = self.next_now() {
            left += u64::from(matches!(out, Out::Message(_)));
        }
        left
    }
}

/// Signs of life from a peer.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    beat: Notify,
}

impl Pulse {
    /// Ready when the peer is heard the next time.
    pub(super) async fn next(&self) {
        self.beat.notified().await;
    }
}

/// What a reader needs beside the connection.
pub(super) struct Ears {
    pub(super) peer: Identity,
    pub(super) events: Sender<Event>,
    pub(super) queue: Queue,
    pub(super) pulse: Arc<Pulse>,
    pub(super) tally: Arc<Tally>,
}

/// Reads until the connection ends, which is the only way out: also when nobody listens any more, as the operating system
/// breaks a connection off that is closed with something unread, and what was sent last is lost.
pub(super) async fn read(reader: &mut FrameReader, ears: &Ears) -> Refusal {
    let mut inside = false;
    loop {
        let frame = match reader.frame(limits::FRAME).await {
            Ok(frame) => frame,
            Err(refusal) => return refusal,
        };
        ears.pulse.beat.notify_waiters();
        match frame {
            Frame::Command(body) => {
                if let Err(refusal) = ears.obey(&body) {
                    return refusal;
                }
            }
            Frame::Part(payload, more) => {
                // Further parts of a message are skipped.
                let first = !std::mem::replace(&mut inside, more);
                if !first {
                    continue;
                }
                add(&ears.tally.received, 1);
                add(&ears.tally.received_bytes, payload.len() as u64);
                let event = Event::Message { from: ears.peer.clone(), payload };
                // A receiver that is gone has closed the socket.
                let _ = ears.events.send(event).await;
            }
        }
    }
}

impl Ears {
    fn obey(&self, body: &[u8]) -> Result<(), Refusal> {
        let (name, data) = wire::read_command(body)?;
        match name {
            b"PING" => {
                // A peer that floods us with PINGs and reads no answers fills its own queue only.
                self.queue.push(Out::Command(wire::pong(data)));
            }
            b"ERROR" => return Err(Refusal::Told(wire::told(data))),
            _ => {}
        }
        Ok(())
    }
}

/// Writes what is queued until its end, which is no error, or until the connection is lost.
pub(super) async fn write(
    writer: &mut FrameWriter,
    waiting: &mut Waiting,
    tally: &Tally,
) -> Result<(), Refusal> {
    let mut batch = Vec::new();
    let mut ended = false;
    while !ended && let Some(mut out) = waiting.next().await {
        batch.clear();
        let (mut messages, mut bytes) = (0, 0);
        loop {
            match out {
                Out::End => {
                    ended = true;
                    break;
                }
                Out::Command(frame) => batch.extend_from_slice(&frame),
                Out::Message(body) => {
                    wire::write_frame(&mut batch, 0, &body);
                    messages += 1;
                    bytes += body.len() as u64;
                }
            }
            if batch.len() >= BATCH {
                break;
            }
            match waiting.next_now() {
                Some(next) => out = next,
                None => break,
            }
        }
        if let Err(refusal) = writer.write(&batch).await {
            add(&tally.lost, messages);
            return Err(refusal);
        }
        add(&tally.sent, messages);
        add(&tally.sent_bytes, bytes);
        batch.shrink_to(4 * BATCH);
    }
    writer.finish().await;
    Ok(())
}
