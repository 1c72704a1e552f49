// The looks of <slipstream-player>. The first rule is the one that gets the film's shape; a page's own
// style for the element wins over all of it.
export const STYLE = `
:host {
  display: block;
  position: relative;
  overflow: hidden;
  aspect-ratio: 16 / 9;
  max-width: 100%;
  background: #000;
}
:host([hidden]) {
  display: none;
}
iframe, button, button img, .first-picture, canvas, ::slotted(video), p {
  box-sizing: border-box;
  position: absolute;
  inset: 0;
  width: 100%;
  height: 100%;
  margin: 0;
  border: 0;
}
.first-picture slot {
  visibility: hidden;
}
.first-picture ::slotted(video) {
  inset: 0 !important;
  width: 100% !important;
  height: 100% !important;
  background: none !important;
  visibility: visible !important;
}
.first-picture ::slotted(:not(video)) {
  display: none !important;
}
.first-picture:not(.shown) {
  pointer-events: none;
}
button {
  padding: 0;
  background: #000;
  cursor: pointer;
  forced-color-adjust: none;
}
button img, canvas {
  object-fit: contain;
}
button::before, button::after {
  content: "";
  position: absolute;
  z-index: 1;
  inset: 50% auto auto 50%;
  width: 4.5rem;
  height: 4.5rem;
  border-radius: 50%;
  background: rgb(58 62 70 / 75%);
  transform: translate(-50%, -50%);
}
button::after {
  width: 1.5rem;
  height: 1.8rem;
  border-radius: 0;
  background: #fff;
  clip-path: polygon(0 0, 100% 50%, 0 100%);
  transform: translate(-40%, -50%);
}
button:focus-visible {
  outline: 3px solid #fff;
  outline-offset: -6px;
}
p {
  display: grid;
  place-items: center;
  padding: 1rem;
  color: #fff;
  font: 1rem / 1.5 system-ui, sans-serif;
  text-align: center;
}
`
