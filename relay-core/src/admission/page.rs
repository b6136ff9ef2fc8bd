//! The page that a token is used on, as its browser tells (RFC 6454). A program can tell what it likes: an origin
//! proves nothing of a program, but no other page can pretend to be this one.

/// In a list of origins: the pages that the relay serves itself.
const OWN: &str = "self";

/// A page's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// `https://www.example.com`.
    pub origin: String,
    /// Whether it is of the relay's own host.
    pub is_own: bool,
}

impl Page {
    /// A page of another host.
    #[must_use]
    pub fn of(origin: &str) -> Self {
        Self { origin: origin.to_owned(), is_own: false }
    }

    /// Whether a list names it.
    pub(super) fn is_in(&self, list: &[String]) -> bool {
        list.iter().any(|one| if one == OWN { self.is_own } else { one.eq_ignore_ascii_case(&self.origin) })
    }
}
