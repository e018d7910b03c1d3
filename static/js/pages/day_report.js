// The report of a day: only its button to print is live.

import { printButtons } from "../lib/print.js";
import { register } from "../lib/pages.js";

export const start = () => printButtons();

register(start);
