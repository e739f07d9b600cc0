// <kb-help lang="uk">: search and contact form of the help centre on any page of the shop.
//
//   <script type="module" src="https://help.shop.example/api/assets/kb-help.js"></script>
//   <kb-help lang="uk"></kb-help>
//
// The box appears when it comes into view; index, form and panel are loaded when somebody uses them. The page's styles do
// not reach in, and ours do not reach out. --kb-help-ink, --kb-help-paper and --kb-help-accent give it the shop's colours.

const HOME = new URL("..", import.meta.url);
const SITE = new URL("..", HOME);
const STYLES = ["desk.css", "embedded.css"];

class KbHelp extends HTMLElement {
  #place = null;
  #site = null;
  #asking = null;
  #desk = null;
  #form = null;
  #about = "";

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    this.#place = made("div", { className: "kb-desk-main kb-desk-embedded" });
    // crossOrigin says where it is asked from: the help centre answers only sites it knows.
    const style = (name) => made("link", { rel: "stylesheet", crossOrigin: "anonymous", href: new URL(name, import.meta.url).href });
    root.append(...STYLES.map(style), this.#place);
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      this.#start();
    }).observe(this);
  }

  get #language() {
    return this.lang || this.closest("[lang]")?.lang || document.documentElement.lang || navigator.language;
  }

  async #start() {
    try {
      await this.#search();
    } catch {
      // A help centre whose pages other sites may not read, or that lies elsewhere: the form finds answers, too.
      await this.#contact();
    }
    this.dispatchEvent(new CustomEvent("kb-help-ready"));
  }

  // ── search ──

  async #search() {
    const { page, address } = await this.#searchPage();
    const script = page.getElementById("kb-search");
    const at = (name) => new URL(`../${name}.js`, new URL(script.dataset.modules, address));
    const [{ siteOf }, { combobox }] = await Promise.all([import(at("searching")), import(at("combobox"))]);
    this.#site = siteOf(page, address);
    this.#asking = at("answers");
    this.#speak(page);
    const form = document.importNode(page.querySelector(".kb-search"), true);
    form.className = "kb-search";
    Object.assign(form, { action: address.href, target: "_blank" });
    form.querySelector("label").className = "kb-help-label";
    form.querySelector(".kb-search__submit")?.remove();
    const more = made("p", { className: "kb-help-more" });
    const button = made("button", { type: "button", className: "kb-desk-link", textContent: this.#site.words.contact });
    more.append(this.#site.words.contact_title, " ", button);
    this.#place.replaceChildren(form, more, made("p", { className: "kb-desk-status", role: "status" }));
    const input = form.querySelector("input");
    const box = combobox(form, this.#site, {
      ask: (...question) => this.#ask(...question),
      open: (result, event) => this.#open(result, event, input),
      contact: (text, event) => {
        event.preventDefault();
        this.#contact(text);
      },
    });
    input.addEventListener("focus", () => this.#deskPage().catch(() => {}), { once: true });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      box.first();
    });
    button.addEventListener("click", () => this.#contact(input.value.trim()));
  }

  /** The page of results has the words of the search, and says where its engine is. A language that is not there is one
   * the desk does without as well: it tells which one is spoken instead. */
  async #searchPage() {
    const wanted = this.#language;
    for (const language of new Set([wanted, wanted.split("-")[0]])) {
      const found = await pageAt(new URL(`${language}/search/`, SITE)).catch(() => null);
      if (found?.page.getElementById("kb-search")) return found;
    }
    const { language } = await this.#deskPage();
    const found = await pageAt(new URL(`${language}/search/`, SITE));
    if (!found.page.getElementById("kb-search")) throw new Error("no search here");
    return found;
  }

  /** By the engine, or where a page's policy keeps workers out, by the service. */
  async #ask(text, options, show) {
    try {
      await this.#site.ask(text, options, show);
    } catch {
      const { desk } = await this.#deskPage();
      const found = await desk.suggest(text, options.limit);
      const results = found.map(({ article, passage, ...rest }) => ({
        ...rest, id: article, category: article.split("/").slice(0, -1).join("/"), passage: { text: passage },
      }));
      show({ results, sure: results, shown: "" });
    }
  }

  /** An answer in a panel; where the desk's words cannot be had, in a tab of its own. */
  async #open(result, event, input) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const desk = await this.#deskPage().catch(() => null);
    if (desk) this.#openPanel(result, desk, input);
    else window.open(this.#site.addressOf(result), "_blank", "noopener");
  }

  #openPanel(result, { words, desk, openPanel, session }, input) {
    const text = input.value.trim().slice(0, 2000);
    const suggestion = {
      article: result.id, title: result.title, language: result.language, passage: result.passage?.text ?? "",
      url: this.#site.addressOf(result),
    };
    const tell = (kind) => desk.tell({ session, kind, article: result.id, text });
    tell("opened");
    openPanel(suggestion, words, this.shadowRoot, {
      closed: () => input.focus(),
      solved: () => {
        tell("solved");
        this.#place.querySelector(".kb-desk-status").textContent = words("solved_thanks");
      },
      unhelpful: () => {
        tell("unhelpful");
        this.#contact(text, result.id);
      },
    });
  }

  // ── form ──

  /** The form, with what somebody searched for in vain. */
  async #contact(text = "", failed = "") {
    try {
      const { form, after, title } = await this.#deskPage();
      if (!form.isConnected) {
        this.#place.querySelector(".kb-help-more")?.remove();
        this.#place.append(title, form, after);
        this.#form.mounted ??= this.#form.mountForm(form, { search: this.#suggesting() });
      }
      this.#form.mounted.carry({ text, failed });
      if (this.#site) form.elements.subject.focus();
    } catch {
      const address = new URL(`contact?lang=${encodeURIComponent(this.#about || this.#language)}`, HOME);
      this.#place.append(made("a", { href: address.href, textContent: address.host }));
    }
  }

  /** What the form asks: the engine that answers the box; the service where there is none. */
  #suggesting() {
    if (!this.#site) return undefined;
    const { desk, language } = this.#form;
    const client = Promise.all([import(this.#asking), this.#site.engine()])
      .then(([{ createClient }, search]) => createClient({ language, search }));
    client.catch(() => {});
    return { suggest: (...question) => client.then((own) => own.suggest(...question)).catch(() => desk.suggest(...question)) };
  }

  /** The desk's page of the form, its words and its scripts; loaded once. */
  #deskPage() {
    this.#desk ??= this.#load().catch((error) => {
      this.#desk = null;
      throw error;
    });
    return this.#desk;
  }

  async #load() {
    const wanted = encodeURIComponent(this.#about || this.#language);
    const [{ page }, { mountForm }, { openPanel }, { createDesk }, { readWords, randomKey }] = await Promise.all([
      pageAt(new URL(`contact?lang=${wanted}`, HOME)), import("./form.js"), import("./panel.js"), import("./client.js"), import("./words.js"),
    ]);
    const form = document.importNode(page.querySelector("[data-kb-desk-form]"), true);
    const after = document.importNode(page.querySelector("[data-kb-after]"), true);
    form.dataset.api = new URL(".", HOME).href.replace(/\/$/, "");
    form.action = new URL("contact", HOME).href;
    const language = page.documentElement.lang;
    if (!this.#about) this.#speak(page);
    this.#form = {
      form, after, language, mountForm, openPanel, words: readWords(form), session: randomKey(),
      title: made("h2", { textContent: page.querySelector("h1").textContent }), desk: createDesk(form.dataset.api, language),
    };
    return this.#form;
  }

  #speak(page) {
    this.#about = page.documentElement.lang;
    this.#place.lang = this.#about;
    this.#place.dir = page.documentElement.dir || page.body.dir;
  }
}

/** A page of the help centre, as a document that runs nothing, and its address. */
async function pageAt(address) {
  const answer = await fetch(address, { credentials: "omit" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return { page: new DOMParser().parseFromString(await answer.text(), "text/html"), address };
}

function made(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

if (!customElements.get("kb-help")) customElements.define("kb-help", KbHelp);
