// Replaces the parts of the page that have changed.
"use strict";
const page = document.querySelector("main");
let quiet = 0;

function connect() {
	const events = new EventSource(page.dataset.live + "?seen=" + page.dataset.version);
	events.onopen = () => tell("");
	events.onmessage = (event) => {
		page.dataset.version = event.lastEventId;
		for (const [id, html] of Object.entries(JSON.parse(event.data))) replace(id, html);
	};
	// The browser connects again by itself, unless the server refused.
	events.onerror = () => {
		tell("The connection is lost; what you see may be outdated.");
		if (events.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
	};
}

function tell(text) {
	const notice = document.getElementById("notice");
	clearTimeout(quiet);
	if (text === "") notice.textContent = "";
	else quiet = setTimeout(() => { notice.textContent = text; }, 2000);
}

// replace keeps open what the reader has opened.
function replace(id, html) {
	const part = document.getElementById(id);
	if (!part) return location.reload();
	const open = [...part.querySelectorAll("details[open]")].map((d) => d.id);
	part.innerHTML = html;
	for (const name of open) document.getElementById(name)?.setAttribute("open", "");
}

connect();
