// <kb-help lang="uk">: search and contact form of the help centre on any page of the shop.
//
//   <script type="module" src="https://help.shop.example/api/assets/kb-help.js"></script>
//   <kb-help lang="uk"></kb-help>
//
// Everything else is loaded when somebody uses it. The page's styles do not reach in, and ours do not reach out.

const HOME = new URL("..", import.meta.url);

class KbHelp extends HTMLElement {
  #started = null;

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    const language = this.lang || this.closest("[lang]")?.lang || document.documentElement.lang || navigator.language;
    const style = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: new URL("desk.css", import.meta.url).href,
      // Says where it is asked from: the help centre answers only sites it knows.
      crossOrigin: "anonymous",
    });
    const place = document.createElement("div");
    place.className = "kb-desk-main kb-desk-embedded";
    root.append(style, place);
    const start = () => { this.#started ??= this.#load(place, language); };
    // When it comes into view: the form's words and fields are a few kilobytes.
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      start();
    }).observe(this);
  }

  async #load(place, language) {
    try {
      const [{ mountForm }, page] = await Promise.all([import("./form.js"), this.#page(language)]);
      const form = page.querySelector("[data-kb-desk-form]");
      form.dataset.api = new URL(".", HOME).href.replace(/\/$/, "");
      form.action = new URL("contact", HOME).href;
      place.lang = page.documentElement.lang;
      place.dir = page.documentElement.dir;
      const title = document.createElement("h2");
      title.textContent = page.querySelector("h1").textContent;
      const after = page.querySelector("[data-kb-after]");
      place.replaceChildren(title, ...[form, after].map((node) => document.importNode(node, true)));
      mountForm(place.querySelector("form"));
      this.dispatchEvent(new CustomEvent("kb-help-ready"));
    } catch {
      const link = Object.assign(document.createElement("a"), { href: new URL(`contact?lang=${encodeURIComponent(language)}`, HOME).href });
      link.textContent = link.host;
      place.replaceChildren(link);
    }
  }

  async #page(language) {
    const answer = await fetch(new URL(`contact?lang=${encodeURIComponent(language)}`, HOME), { credentials: "omit" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }
}

if (!customElements.get("kb-help")) customElements.define("kb-help", KbHelp);
