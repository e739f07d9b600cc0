// What a customer typed, kept in their own browser until it is sent: it survives reload, language switch and a lost network.

const NAME = "kb-desk-draft";
const FORMAT = 1;
const KEPT_MS = 14 * 24 * 3600 * 1000;

export function createDraft(storage, now = Date.now) {
  // A browser may forbid storage; then there is simply no draft.
  const attempt = (action) => {
    try {
      return action();
    } catch {
      return null;
    }
  };
  return {
    read() {
      const kept = attempt(() => JSON.parse(storage.getItem(NAME)));
      return kept?.format === FORMAT && now() - kept.saved < KEPT_MS ? kept : null;
    },
    save: (values) => attempt(() => storage.setItem(NAME, JSON.stringify({ ...values, format: FORMAT, saved: now() }))),
    clear: () => attempt(() => storage.removeItem(NAME)),
  };
}
