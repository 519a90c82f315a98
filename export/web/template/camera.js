// The camera: gives one frame after the other, as fast as they are processed.

const REFUSED = {
  NotAllowedError: "The camera is not allowed: allow it for this page in the browser's settings.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is in use by another program.",
};

export class Camera {
  #stream = null;

  get running() {
    return this.#stream !== null;
  }

  /** Calls `use` with each frame, a video element, and waits for it, until `stop`. */
  async run(use) {
    if (!navigator.mediaDevices) {
      throw new Error("Browsers allow the camera only for pages from https:// or localhost.");
    }
    const wanted = { video: { facingMode: "environment" }, audio: false };
    const stream = await navigator.mediaDevices.getUserMedia(wanted).catch((error) => {
      throw new Error(REFUSED[error.name] ?? `The camera gives no picture: ${error.message}.`);
    });
    this.stop();
    this.#stream = stream;
    const video = document.createElement("video");
    Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
    await video.play();
    while (this.#stream === stream) {
      [video.width, video.height] = [video.videoWidth, video.videoHeight];
      await use(video);
      await new Promise(requestAnimationFrame);
    }
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }
}
