//! Letters over a network that loses, doubles and delays.

use proptest::prelude::*;

use super::*;
use crate::clock;

/// What happens to a letter on its way.
#[derive(Clone, Debug)]
enum Fate {
    Lost,
    Once,
    Twice,
    Late,
}

proptest! {
    /// Whatever is lost, doubled or overtaken on the way: each letter is taken once and in order, in the end all are.
    #[test]
    fn letters_arrive_once_and_in_order(
        fates in proptest::collection::vec(
            prop_oneof![Just(Fate::Lost), Just(Fate::Once), Just(Fate::Twice), Just(Fate::Late)], 1..200,
        ),
        acks_lost in proptest::collection::vec(any::<bool>(), 1..50),
    ) {
        let now = clock::now();
        let mut outbox = Outbox::new(UP, 7);
        let mut inbox = Inbox::default();
        let mut taken = Vec::new();
        let mut late: Vec<Custom> = Vec::new();
        let mut acks = acks_lost.iter().chain([&false]).cycle();
        let mut deliver = |inbox: &mut Inbox, outbox: &mut Outbox, letter: &Custom| {
            if let Some(Taken::New(body)) = inbox.take::<u64>(&letter.data) {
                taken.push(body);
            }
            if !acks.next().copied().unwrap_or_default() {
                let ack = Acknowledged::read(&inbox.acknowledgement().message().data);
                outbox.acknowledged(ack.expect("an acknowledgement"));
            }
        };
        for (number, fate) in fates.iter().enumerate() {
            let letter = outbox.write(&(number as u64), now);
            match fate {
                Fate::Lost => {}
                Fate::Once => deliver(&mut inbox, &mut outbox, &letter),
                Fate::Twice => (0..2).for_each(|_| deliver(&mut inbox, &mut outbox, &letter)),
                Fate::Late => late.push(letter),
            }
        }
        late.iter().rev().for_each(|letter| deliver(&mut inbox, &mut outbox, letter));
        for round in 1..500_u32 {
            for letter in outbox.overdue(now + REPEAT * round) {
                deliver(&mut inbox, &mut outbox, &letter);
            }
        }
        prop_assert!(outbox.is_empty());
        prop_assert!(taken.iter().copied().eq(0..fates.len() as u64), "{taken:?}");
    }
}

#[test]
fn a_sender_that_begins_anew_is_another_one() {
    let now = clock::now();
    let mut inbox = Inbox::default();
    let mut take = |letter: &Custom| matches!(inbox.take::<u64>(&letter.data), Some(Taken::New(_)));
    let (mut old, mut new) = (Outbox::new(UP, 1), Outbox::new(UP, 2));
    let first = old.write(&1_u64, now);
    assert!(take(&first));
    assert!(take(&new.write(&1_u64, now)));
    assert!(!take(&old.write(&2_u64, now)), "of a process that is no more");
    assert!(take(&new.write(&2_u64, now)));
}

#[test]
fn what_is_no_letter_is_refused() {
    let mut inbox = Inbox::default();
    for data in
        [Value::Nil, Value::List(vec![]), Value::List(vec![1_u64.into(); 4]), Value::from("x")]
    {
        assert!(inbox.take::<Up>(&data).is_none(), "{data:?}");
    }
    let junk = Value::List(vec![1_u64.into(), 1_u64.into(), 1_u64.into(), vec![0xc1_u8].into()]);
    assert!(matches!(inbox.take::<Up>(&junk), Some(Taken::Unreadable(_))));
}
