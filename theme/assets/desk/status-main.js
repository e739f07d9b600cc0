import { mountStatus } from "./status.js";

for (const root of document.querySelectorAll("[data-kb-desk-status]")) mountStatus(root);
