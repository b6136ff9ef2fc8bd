//! Where our sound comes from: `getUserMedia`, or a stream of the page.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack};

use crate::browser::Thrown;
use crate::errors;
use crate::types::{ErrorCode, ErrorInfo};

/// Opens the microphone, which may ask the user.
pub(crate) async fn open(audio: &JsValue) -> Result<MediaStream, Box<ErrorInfo>> {
    let insecure = || ErrorInfo::new(ErrorCode::InsecurePage);
    let navigator = web_sys::window().ok_or_else(insecure)?.navigator();
    // Not there outside of secure contexts, which web-sys does not know.
    let devices = navigator.media_devices().ok().filter(|devices| !devices.is_undefined()).ok_or_else(insecure)?;
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(audio);
    let asked = devices.get_user_media_with_constraints(&constraints).map_err(|thrown| refused(&thrown))?;
    let stream = JsFuture::from(asked).await.map_err(|thrown| refused(&thrown))?;
    Ok(stream.unchecked_into())
}

/// A stream with copies of the audio tracks, which can be muted and stopped without touching the originals.
pub(crate) fn copy(stream: &MediaStream) -> Option<MediaStream> {
    let copies: Array = tracks(stream).map(|track| MediaStreamTrack::clone(&track)).collect();
    stream_of(&copies)
}

/// A stream of these tracks.
pub(crate) fn stream_of(tracks: &Array) -> Option<MediaStream> {
    MediaStream::new_with_tracks(tracks).ok()
}

/// Lets sound through, or silence.
pub(crate) fn enable(stream: &MediaStream, enabled: bool) {
    tracks(stream).for_each(|track| track.set_enabled(enabled));
}

/// Stops all tracks: the browser's sign that the microphone is on goes out.
pub(crate) fn stop(stream: &MediaStream) {
    tracks(stream).for_each(|track| track.stop());
}

/// The audio tracks.
pub(crate) fn tracks(stream: &MediaStream) -> impl Iterator<Item = MediaStreamTrack> {
    let tracks: Vec<JsValue> = stream.get_audio_tracks().to_vec();
    tracks.into_iter().map(JsValue::unchecked_into)
}

fn refused(thrown: &JsValue) -> Box<ErrorInfo> {
    errors::microphone(&thrown.unchecked_ref::<Thrown>().name().unwrap_or_default())
}
