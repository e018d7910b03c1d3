// Who may act on an order's row: its trader, and supervisors. The page says who looks; the server judges again.

const viewer = () => document.querySelector("[data-user-role]").dataset;

export const mayTrade = () => "mayTrade" in viewer();
export const mayAct = (row) => viewer().userRole === "supervisor" || (mayTrade() && row.trader === viewer().userName);
