// Records a MediaStream as samples: an AudioWorklet collects them, nothing is encoded on the way.

registerProcessor(
  "recorder",
  class extends AudioWorkletProcessor {
    process([input]) {
      if (input[0]?.length) this.port.postMessage(input[0].slice());
      return true;
    }
  },
);
