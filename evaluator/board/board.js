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

// replace keeps open what the reader has opened, and chosen what was chosen.
function replace(id, html) {
	const part = document.getElementById(id);
	if (!part) return location.reload();
	const open = [...part.querySelectorAll("details[open]")].map((d) => d.dataset.key);
	const chosen = part.querySelector(".spot.chosen");
	part.innerHTML = html;
	for (const key of open) part.querySelector(`details[data-key="${CSS.escape(key)}"]`)?.setAttribute("open", "");
	turn(part);
	const spot = chosen && part.querySelector(spotLike(chosen));
	if (spot && imageOf(spot) === imageOf(chosen)) choose(spot);
}

// turn makes the switches of a part what they were last, be it before a reload.
function turn(part) {
	for (const input of part.querySelectorAll(".switch input")) input.checked = input.value === (recall(input.name) ?? "pca");
}

// What a browser may not store it forgets.
function recall(name) { try { return sessionStorage.getItem(name); } catch { return null; } }
function remember(name, value) { try { sessionStorage.setItem(name, value); } catch { } }

document.addEventListener("change", (event) => {
	if (event.target.matches(".switch input")) remember(event.target.name, event.target.value);
});

document.addEventListener("click", (event) => {
	const spot = event.target.closest(".spot");
	if (spot) choose(spot);
});

const spotLike = (spot) => `.spot[data-n="${spot.dataset.n}"]`;
const imageOf = (spot) => spot.querySelector("title").textContent.split(",")[0];

// choose marks an image on all maps of its run, and shows its neighbours by each.
function choose(spot) {
	for (const map of spot.closest(".maps").querySelectorAll(".map")) {
		for (const before of map.querySelectorAll(".spot.chosen")) before.classList.remove("chosen");
		const same = [...map.querySelectorAll(spotLike(spot))].filter((s) => imageOf(s) === imageOf(spot));
		for (const s of same) s.classList.add("chosen");
		if (same.length) showNeighbours(map, +spot.dataset.n);
		else map.querySelector(".chosen-image").replaceChildren();
	}
}

function showNeighbours(map, n) {
	const data = JSON.parse(map.dataset.map), caption = document.createElement("p"), row = document.createElement("div");
	caption.textContent = data.captions[n] + " and the training images that are nearest to it";
	row.className = "row large";
	row.append(tile(map, data, n, data.captions[n]), "→");
	for (let k = 0; k < data.k; k++) {
		const at = n * data.k + k, other = data.neighbours[at], box = document.createElement("span");
		box.className = data.labels[other] === data.labels[n] ? "tilebox" : "tilebox other";
		box.title = data.captions[other] + ", cosine " + data.cosines[at];
		box.append(tile(map, data, other, box.title));
		row.append(box);
	}
	map.querySelector(".chosen-image").replaceChildren(caption, row);
}

function tile(map, data, n, label) {
	const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS(svg.namespaceURI, "use");
	svg.setAttribute("class", "tile");
	svg.setAttribute("role", "img");
	svg.setAttribute("aria-label", label);
	svg.setAttribute("viewBox", [n % data.columns * data.tile, Math.floor(n / data.columns) * data.tile, data.tile, data.tile].join(" "));
	use.setAttribute("href", "#" + map.querySelector(".sheet image").id);
	svg.append(use);
	return svg;
}

turn(page);
if (page.dataset.live) connect();
