//! The page that a token is used on, as its browser tells (RFC 6454). A program can tell what it likes: an origin
//! proves nothing of a program, but no other page can pretend to be this one.

/// In a list of origins: the pages that the relay serves itself.
const OWN: &str = "self";

/// A page's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// `https://www.example.com`, as [`normal_origin`] writes it.
    pub origin: String,
    /// Whether it is of the relay's own host.
    pub is_own: bool,
}

impl Page {
    /// A page of another host.
    #[must_use]
    pub fn of(origin: &str) -> Self {
        Self { origin: normal_origin(origin), is_own: false }
    }

    /// Whether a list names it.
    pub(super) fn is_in(&self, list: &[String]) -> bool {
        list.iter().any(|one| if one == OWN { self.is_own } else { normal_origin(one) == self.origin })
    }
}

/// Lower case, without a trailing slash and without the scheme's own port (RFC 6454 §6.2).
#[must_use]
pub fn normal_origin(origin: &str) -> String {
    let origin = origin.trim_end_matches('/').to_ascii_lowercase();
    let default_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(default_port).unwrap_or(&origin).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_same_in_each_spelling_of_its_origin() {
        let list = ["https://WWW.example.com:443/".to_owned()];
        assert!(Page::of("https://www.example.com").is_in(&list));
        assert!(Page::of("https://www.Example.com:443").is_in(&list));
        assert!(!Page::of("https://www.example.com:8443").is_in(&list));
        assert!(!Page::of("http://www.example.com").is_in(&list));
    }
}
