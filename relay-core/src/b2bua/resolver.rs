//! What the DNS said, for as long as it is true; and what it is being asked. It knows no SIP: that is `locate`.

use super::dns::{Answer, Question, Record, RecordKind};
use sip_core::{Duration, Instant};
use std::collections::BTreeMap;

/// Whatever a record says, it is not asked for again before.
const MIN_TTL: Duration = Duration::from_secs(5);
/// After a failure, which says nothing about the name.
const FAILURE_TTL: Duration = Duration::from_secs(5);
/// Names kept. Those of the configuration and what they lead to; more only if a DNS server invents new ones each time.
const MAX_ENTRIES: usize = 4_096;

/// What is known of a question at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// These records; none of them is an answer too.
    Records(Vec<Record>),
    /// The DNS had no answer.
    Failed(String),
    /// It is being asked.
    Pending,
}

/// Questions and answers.
#[derive(Debug)]
pub(super) struct Resolver {
    entries: BTreeMap<Question, Entry>,
    open: BTreeMap<u64, Question>,
    queries: u64,
    max_ttl: Duration,
}

#[derive(Debug)]
enum Entry {
    Asked,
    Known { result: Result<Vec<Record>, String>, until: Instant },
}

impl Resolver {
    pub(super) const fn new(max_ttl: Duration) -> Self {
        Self { entries: BTreeMap::new(), open: BTreeMap::new(), queries: 0, max_ttl }
    }

    /// What is known; what is not known is put into `asked`, with the number that comes back with its answer.
    pub(super) fn query(
        &mut self,
        name: &str,
        kind: RecordKind,
        asked: &mut Vec<(u64, Question)>,
        now: Instant,
    ) -> Known {
        let question = Question { name: name.trim_end_matches('.').to_ascii_lowercase(), kind };
        match self.entries.get(&question) {
            Some(Entry::Known { result, until }) if *until > now => match result {
                Ok(records) => Known::Records(records.clone()),
                Err(text) => Known::Failed(text.clone()),
            },
            Some(Entry::Asked) => Known::Pending,
            _ => self.ask(question, asked, now),
        }
    }

    fn ask(&mut self, question: Question, asked: &mut Vec<(u64, Question)>, now: Instant) -> Known {
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.retain(|_, entry| !matches!(entry, Entry::Known { until, .. } if *until <= now));
        }
        if self.entries.len() >= MAX_ENTRIES {
            return Known::Failed("too many names".to_owned());
        }
        self.queries += 1;
        self.entries.insert(question.clone(), Entry::Asked);
        self.open.insert(self.queries, question.clone());
        asked.push((self.queries, question));
        Known::Pending
    }

    /// An answer came. False if nobody had asked.
    pub(super) fn handle_resolved(&mut self, query: u64, result: Result<Answer, String>, now: Instant) -> bool {
        let Some(question) = self.open.remove(&query) else { return false };
        let (result, ttl) = match result {
            Ok(answer) => (Ok(answer.records), answer.ttl.clamp(MIN_TTL.min(self.max_ttl), self.max_ttl)),
            Err(text) => (Err(text), FAILURE_TTL.min(self.max_ttl)),
        };
        self.entries.insert(question, Entry::Known { result, until: now + ttl });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Instant {
        Instant::from_millis(secs * 1_000)
    }

    fn ask(resolver: &mut Resolver, now: Instant) -> (Known, Vec<u64>) {
        let mut asked = Vec::new();
        let known = resolver.query("PBX.example.com.", RecordKind::A, &mut asked, now);
        assert!(asked.iter().all(|(_, question)| question.name == "pbx.example.com"));
        (known, asked.into_iter().map(|(query, _)| query).collect())
    }

    #[test]
    fn a_name_is_asked_once_and_believed_until_its_time_is_over() {
        let mut resolver = Resolver::new(Duration::from_secs(60));
        let records = vec![Record::A([192, 0, 2, 1].into())];
        let answer = |ttl| Ok(Answer { records: records.clone(), ttl: Duration::from_secs(ttl) });

        assert_eq!(ask(&mut resolver, secs(0)), (Known::Pending, vec![1]));
        assert_eq!(ask(&mut resolver, secs(0)), (Known::Pending, vec![]));
        assert!(resolver.handle_resolved(1, answer(30), secs(0)));
        assert!(!resolver.handle_resolved(1, answer(30), secs(0)), "an answer nobody waits for");
        assert_eq!(ask(&mut resolver, secs(29)).0, Known::Records(records.clone()));
        assert_eq!(ask(&mut resolver, secs(30)), (Known::Pending, vec![2]));

        resolver.handle_resolved(2, answer(86_400), secs(30));
        assert_eq!(ask(&mut resolver, secs(89)).0, Known::Records(records.clone()), "a day is cut to a minute");
        assert_eq!(ask(&mut resolver, secs(90)).0, Known::Pending);
        resolver.handle_resolved(3, answer(0), secs(90));
        assert_eq!(ask(&mut resolver, secs(94)).0, Known::Records(records.clone()), "nothing is stretched to 5 s");
    }

    #[test]
    fn negative_answers_and_failures_are_remembered_too() {
        let mut resolver = Resolver::new(Duration::from_secs(60));
        ask(&mut resolver, secs(0));
        resolver.handle_resolved(1, Ok(Answer { records: vec![], ttl: Duration::from_secs(20) }), secs(0));
        assert_eq!(ask(&mut resolver, secs(19)).0, Known::Records(vec![]));
        assert_eq!(ask(&mut resolver, secs(20)).0, Known::Pending);
        resolver.handle_resolved(2, Err("refused".to_owned()), secs(20));
        assert_eq!(ask(&mut resolver, secs(24)).0, Known::Failed("refused".to_owned()));
        assert_eq!(ask(&mut resolver, secs(25)).0, Known::Pending);
    }

    #[test]
    fn invented_names_do_not_fill_memory() {
        let mut resolver = Resolver::new(Duration::from_secs(60));
        let mut asked = Vec::new();
        for number in 0..=MAX_ENTRIES {
            resolver.query(&format!("n{number}.example.com"), RecordKind::A, &mut asked, secs(0));
        }
        assert_eq!(asked.len(), MAX_ENTRIES);
        assert!(resolver.entries.len() <= MAX_ENTRIES);
    }
}
