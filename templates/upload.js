// Sends each file in a request of its own and shows how far it is and what came of it.
// Without this script the form sends all files at once, and the answer is a page.
"use strict";

const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const area = form.querySelector(".drop");
const button = form.querySelector("button");
const results = document.querySelector("[data-results]");

function addRow(filename) {
  const row = document.createElement("li");
  const name = document.createElement("p");
  name.className = "name";
  name.textContent = filename;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Progress of ${filename}`);
  const text = document.createElement("p");
  text.textContent = "Waiting";
  row.append(name, bar, text);
  results.append(row);
  return { row, name, bar, text };
}

function finish(view, isGood, text, address) {
  view.row.className = isGood ? "good" : "bad";
  view.bar.remove();
  view.text.textContent = text;
  if (address) {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = view.name.textContent;
    view.name.replaceChildren(link);
  }
}

// What came of it: the server's answer, or why there is none.
function outcome(request) {
  const type = request.getResponseHeader("Content-Type") || "";
  if (type.startsWith("application/json")) {
    const { results, error } = JSON.parse(request.responseText);
    return results[0] || { ok: false, text: error || "The file did not arrive." };
  }
  if (type.startsWith("text/plain")) return { ok: false, text: request.responseText };
  // The log-in form, after a redirect that scripts don't see.
  if (request.status === 200) return { ok: false, text: "You are logged out. Log in again." };
  return { ok: false, text: `The server answered ${request.status}.` };
}

function send(file, view) {
  return new Promise((resolve) => {
    const body = new FormData();
    body.append("content", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", form.elements.csrf_token.value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) view.bar.value = event.loaded / event.total;
      const isSent = event.loaded === event.total;
      if (isSent) view.bar.removeAttribute("value");
      view.text.textContent = isSent ? "Checking" : "Sending";
    });
    request.addEventListener("load", () => {
      const { ok, text, path } = outcome(request);
      finish(view, ok, text, path && new URL(`../${path}`, form.action).href);
      resolve();
    });
    request.addEventListener("error", () => {
      finish(view, false, "The connection broke. Try again.");
      resolve();
    });
    request.send(body);
  });
}

async function sendAll(files) {
  results.replaceChildren();
  button.disabled = true;
  const waiting = files.map((file) => [file, addRow(file.name)]);
  // One after the other: each shows how it fared before the next begins.
  for (const [file, view] of waiting) await send(file, view);
  button.disabled = false;
  form.reset();
  input.dispatchEvent(new Event("change"));
}

function showChoice() {
  const count = input.files.length;
  const names = count === 1 ? input.files[0].name : `${count} files`;
  area.querySelector("strong").textContent = count ? names : "Choose files";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  sendAll([...input.files]);
});
input.addEventListener("change", showChoice);
for (const kind of ["dragenter", "dragover"]) {
  area.addEventListener(kind, (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  area.addEventListener(kind, () => area.classList.remove("over"));
}
area.addEventListener("drop", (event) => {
  event.preventDefault();
  input.files = event.dataTransfer.files;
  showChoice();
});
// The area stands for the input, which stays in the way of the keyboard.
input.classList.add("hidden");
area.querySelector(".drop-hint").hidden = false;
