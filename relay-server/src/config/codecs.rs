//! Codecs by name: of all trunks (`media.codecs`) and of one (`trunk.codecs`).

use super::Config;
use super::error::{ConfigError, Place};
use super::table::incomplete;
use super::trunk::Trunk;
use super::value::{Value, put};
use crate::codecs::Installed;
use relay_core::codec::InstalledCodec;
use relay_core::media::control::TrunkCodec;

/// What a codec is called in settings: as in SDP, with the clock where one name stands for two.
fn name_of(codec: TrunkCodec) -> String {
    match codec {
        TrunkCodec::Speex(_) => format!("{}/{}", codec.name(), codec.clock()),
        _ => codec.name().to_owned(),
    }
}

fn named(name: &str) -> Option<TrunkCodec> {
    TrunkCodec::ALL.into_iter().find(|codec| name_of(*codec).eq_ignore_ascii_case(name))
}

/// `media.codecs`.
pub(super) fn put_codecs(config: &mut Config, value: &Value) -> bool {
    let mut names: Vec<String> = Vec::new();
    let is_list = put(&mut names, value);
    let codecs: Option<Vec<_>> = names.iter().map(|name| named(name)).collect();
    let codecs = codecs.filter(|codecs| is_list && !codecs.is_empty() && twice(codecs).is_none());
    codecs.map(|codecs| config.media.codecs = codecs).is_some()
}

fn twice<T: PartialEq>(all: &[T]) -> Option<&T> {
    all.iter().enumerate().find(|(index, one)| all.iter().take(*index).any(|before| before == *one)).map(|(_, one)| one)
}

impl Trunk {
    /// What may be spoken with this PBX; none where nothing was said.
    #[must_use]
    pub fn codecs(&self) -> Option<Vec<TrunkCodec>> {
        let codecs: Vec<_> = self.codecs.iter().filter_map(|name| named(name)).collect();
        Some(codecs).filter(|codecs| !codecs.is_empty())
    }
}

/// Whether each name is one, and there once.
pub(super) fn check(trunk: &Trunk, place: &Place) -> Result<(), ConfigError> {
    let wrong = |problem: String, remedy: &str| Err(incomplete(place, "trunk.codecs", problem, remedy));
    if let Some(name) = trunk.codecs.iter().find(|name| named(name).is_none()) {
        let known: Vec<_> = TrunkCodec::ALL.into_iter().map(name_of).collect();
        return wrong(
            format!("has {name:?}, which is no codec of the relay's"),
            &format!("choose among {}", known.join(", ")),
        );
    }
    match twice(&trunk.codecs().unwrap_or_default()) {
        Some(codec) => wrong(format!("has {:?} twice", name_of(*codec)), "name each codec once"),
        None => Ok(()),
    }
}

impl Config {
    /// Whether the libraries of the codecs that a trunk names are there. `media.codecs` does without what is missing; who
    /// writes an order for one PBX wants what it says.
    pub(super) fn check_codecs(&self) -> Result<(), ConfigError> {
        for trunk in &self.trunks {
            let wanted = trunk.codecs().unwrap_or_default();
            let spoken = Installed::load(&wanted).spoken(&wanted);
            wanted.iter().find(|codec| !spoken.contains(codec)).map_or(Ok(()), |codec| Err(missing(trunk, *codec)))?;
        }
        Ok(())
    }
}

fn missing(trunk: &Trunk, codec: TrunkCodec) -> ConfigError {
    ConfigError::Nonsense {
        key: "trunk.codecs",
        problem: format!("of {:?} has {:?}, whose library is not installed", trunk.name, name_of(codec)),
        remedy: format!("install {}, or leave the codec out", package(codec)),
    }
}

/// Debian's.
fn package(codec: TrunkCodec) -> &'static str {
    match codec.installed() {
        Some(InstalledCodec::Speex(_)) => "libspeex1",
        _ => "libbcg729-0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_has_one_name_and_is_found_by_it_in_any_case() {
        for codec in TrunkCodec::ALL {
            assert_eq!(named(&name_of(codec).to_lowercase()), Some(codec));
        }
        assert_eq!(named("speex"), None, "which of the two?");
    }

    #[test]
    fn a_missing_library_is_told_by_the_package_that_brings_it() {
        let trunk = Trunk { name: "office".to_owned(), ..Trunk::default() };
        let expected = "trunk.codecs of \"office\" has \"G729\", whose library is not installed; install libbcg729-0, or \
                        leave the codec out";
        assert_eq!(missing(&trunk, TrunkCodec::G729).to_string(), expected);
    }

    #[test]
    fn what_is_there_twice_is_found() {
        assert_eq!(twice(&[1, 2, 3]), None);
        assert_eq!(twice(&[1, 2, 3, 2]), Some(&2));
    }
}
