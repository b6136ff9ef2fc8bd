//! Whole and broken messages in any order, with commands and time between them: no panic, no growth, one end for each
//! session.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod pair;

use pair::{ANSWER, Alone, answer, invite_of_bob};
use sip_core::agent::{Config, Event, SessionEvent, SessionId};
use sip_core::message::{HeaderName, Message, Method, StatusCode};
use sip_core::{Duration, Entropy, Transport};

/// Messages of both directions, to be broken.
fn material(alone: &mut Alone) -> Vec<Vec<u8>> {
    alone.call();
    let ours = alone.next_request(Method::Invite);
    let mut messages: Vec<Message> = [100, 180, 183, 200, 302, 401, 407, 486, 491, 503]
        .map(|status| answer(&ours, status, "b", Some(ANSWER)).into())
        .into();
    for (number, method) in [
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Info,
        Method::Update,
        Method::Options,
        Method::Message,
    ]
    .into_iter()
    .enumerate()
    {
        let mut inside = invite_of_bob(&format!("m{number}"));
        inside.headers.set(HeaderName::CSeq, format!("{} {}", number + 1, method.as_str()));
        inside.method = method;
        messages.push(inside.clone().into());
        inside
            .headers
            .set(HeaderName::From, ours.headers.get(&HeaderName::To).map(|to| format!("{to};tag=b")).unwrap());
        inside.headers.set(HeaderName::To, ours.headers.get(&HeaderName::From).unwrap());
        inside.headers.set(HeaderName::CallId, ours.headers.call_id().unwrap());
        messages.push(inside.into());
    }
    messages.iter().map(Message::write).collect()
}

/// Whole and broken messages in any order, commands and time between them: no panic, no growth, one end for each
/// session.
#[test]
fn any_sequence_of_broken_messages_leaves_the_agent_standing() {
    let config = || Config { max_sessions: 20, max_transactions: 200, ..Config::default() };
    for seed in 0..16 {
        let mut entropy = Entropy::new([seed; 32]);
        let mut pick = move |below: usize| usize::try_from(entropy.number() % below as u64).unwrap();
        let mut alone = Alone::with_config(Transport::Udp, config());
        let messages = material(&mut alone);
        let (mut begun, mut ended) = (1, 0);
        for _ in 0..400 {
            let mut bytes = messages[pick(messages.len())].clone();
            for _ in 0..pick(4) {
                if bytes.len() < 2 {
                    break;
                }
                let place = pick(bytes.len());
                match pick(3) {
                    0 => bytes[place] = u8::try_from(pick(256)).unwrap(),
                    1 => drop(bytes.remove(place)),
                    _ => bytes.truncate(place.max(1)),
                }
            }
            alone.receive_bytes(&bytes);
            if pick(3) == 0 {
                alone.pass(Duration::from_millis(u64::try_from(pick(4_000)).unwrap()));
            }
            for event in std::mem::take(&mut alone.events) {
                match event {
                    Event::IncomingCall { session, .. } => {
                        begun += 1;
                        let _ = match pick(3) {
                            0 => alone.agent.accept(session, ANSWER.to_owned(), Vec::new(), alone.now),
                            1 => alone.agent.reject(session, StatusCode::BUSY_HERE, None, Vec::new(), alone.now),
                            _ => Ok(()),
                        };
                    }
                    Event::Session { event: SessionEvent::Ended(_), .. } => ended += 1,
                    _ => {}
                }
            }
            alone.drain();
        }

        let open: Vec<SessionId> = (0..10_000).map(SessionId).filter(|id| alone.agent.session(*id).is_some()).collect();
        assert!(open.len() <= 20);
        for id in open {
            let _ = alone.agent.hang_up(id, None, alone.now);
        }
        alone.drain();
        alone.pass(Duration::from_secs(200));
        ended += alone.told().iter().filter(|word| word.starts_with("ended")).count();
        assert_eq!((begun, alone.agent.session_count()), (ended, 0), "seed {seed}");
    }
}
