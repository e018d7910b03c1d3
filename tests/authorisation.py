"""The permissions: a row for each method and route, a column for each role. tests/test_authorisation.py checks it.

Cells are HTTP statuses; ``login`` is a redirect to the login page. ``trader`` owns the order and the token,
``second`` is another trader, ``watcher`` a trader who sees the desk.

``object`` is the object in the route: the desk's one order, token, halt or account. A cell of 404 or 403 on an
object is requested again with an id that does not exist, and the answer must look exactly the same. The exception
is marked ``!``: the person sees the object but may not act on it, and a missing one is a 404. Roles that get any
part of an object get a 404 for a missing one.
"""

from __future__ import annotations

ROLES = ("anonymous", "trader", "second", "watcher", "supervisor", "admin")

TABLE = """
# method route                                   object   anonymous trader second watcher supervisor admin

# everybody
GET    /                                         -        login     200    200    200     200        302
GET    login/                                    -        200       302    302    302     302        302
POST   login/                                    -        200       302    302    302     302        302
GET    login/code/                               -        302       302    302    302     302        302
POST   login/code/                               -        302       302    302    302     302        302
GET    again/                                    -        login     200    200    200     200        200
POST   again/                                    -        login     422    422    422     422        422
POST   logout/                                   -        302       302    302    302     302        302
GET    livez                                     -        200       200    200    200     200        200
GET    readyz                                    -        503       503    503    503     503        503
GET    metrics                                   -        200       200    200    200     200        200
POST   csp-report                                -        400       400    400    400     400        400
GET    favicon.ico                               -        301       301    301    301     301        301
GET    palette/                                  -        login     200    200    200     200        200
GET    me/                                       -        login     200    200    200     200        200
POST   me/                                       -        login     201    201    201     201        201
GET    me/factor/                                -        login     200    200    200     200        200
POST   me/factor/                                -        login     422    422    422     422        422
POST   me/factor/codes/                          -        login     422    422    422     422        422
POST   me/factor/remove/                         -        login     302    302    302     302        302
GET    me/password/                              -        login     200    200    200     200        200
POST   me/password/                              -        login     422    422    422     422        422
POST   me/sessions/end/                          -        login     302    302    302     302        302
POST   me/sessions/<slug:public_id>/end/         session  login     302    404    404     404        404
POST   me/tokens/<slug:public_id>/revoke/        token    login     302    404    404     404        404

# orders: their trader and supervisors act, who sees the desk watches, admins do not trade
GET    orders/                                   -        login     200    200    200     200        200
GET    orders/export.csv                         -        login     200    200    200     200        200
GET    orders/new/                               -        login     200    200    200     403        403
POST   orders/new/                               -        login     303    303    303     403        403
POST   orders/new/preview/                       -        login     200    200    200     403        403
POST   orders/new/review/                        -        login     200    200    200     403        403
GET    orders/new/presets/                       -        login     200    200    200     403        403
POST   orders/bulk/pause/                        -        login     200    200    200     200        200
POST   orders/bulk/pause/review/                 -        login     200    200    200     200        200
POST   orders/bulk/resume/                       -        login     200    200    200     200        200
POST   orders/bulk/resume/review/                -        login     200    200    200     200        200
POST   orders/bulk/cancel/                       -        login     200    200    200     200        200
POST   orders/bulk/cancel/review/                -        login     200    200    200     200        200
POST   orders/bulk/extend/                       -        login     200    200    200     200        200
POST   orders/bulk/extend/review/                -        login     200    200    200     200        200
POST   orders/bulk/urgency/                      -        login     200    200    200     200        200
POST   orders/bulk/urgency/review/               -        login     200    200    200     200        200
GET    orders/<slug:public_id>/                  order    login     200    404    200     200        404
GET    orders/<slug:public_id>/parts/            order    login     200    404    200     200        404
GET    orders/<slug:public_id>/report/           order    login     200    404    200     200        404
GET    orders/<slug:public_id>/report.csv        order    login     200    404    200     200        404
POST   orders/<slug:public_id>/pause/            order    login     302    404    422!    302        404
POST   orders/<slug:public_id>/resume/           order    login     302    404    422!    302        404
POST   orders/<slug:public_id>/cancel/           order    login     302    404    422!    302        404
GET    orders/<slug:public_id>/amend/            order    login     200    404    422!    422!       404
POST   orders/<slug:public_id>/amend/            order    login     302    404    422!    422!       404
POST   orders/<slug:public_id>/amend/preview/    order    login     200    404    422!    422!       404

# baskets: traders send them; who sees their orders sees them
GET    baskets/                                  -        login     200    200    200     200        200
GET    baskets/new/                              -        login     200    200    200     403        403
POST   baskets/new/                              -        login     303    303    303     403        403
POST   baskets/new/review/                       -        login     200    200    200     403        403
POST   baskets/new/costs/                        -        login     200    200    200     403        403
GET    baskets/<slug:public_id>/                 basket   login     200    404    200     200        404

# presets: traders save their own, supervisors the desk's; the preset is the trader's
GET    presets/                                  -        login     200    200    200     200        403
POST   presets/                                  -        login     303    303    303     303        403
POST   presets/<slug:public_id>/rename/          preset   login     303    404    404     404        403
POST   presets/<slug:public_id>/delete/          preset   login     303    404    404     404        403

# the analysis, of the orders that each sees
GET    analysis/                                 -        login     200    200    200     200        200
GET    analysis/export.csv                       -        login     200    200    200     200        200
GET    analysis/day/                             -        login     200    200    200     200        200
GET    analysis/day/export.csv                   -        login     200    200    200     200        200

# balances of the accounts that each may use, today's results of the orders that each sees; admins do not trade
GET    balances/                                 -        login     200    200    200     200        403

# the home page's watchlist: everybody has their own; admins do not trade
POST   watchlist/add/                            -        login     303    303    303     303        403
POST   watchlist/remove/                         -        login     303    303    303     303        403

# the wall and the halts: supervisors
GET    wall/                                     -        login     403    403    403     200        403
GET    journal/                                  -        login     403    403    403     200        403
GET    journal/export.csv                        -        login     403    403    403     200        403
GET    halts/                                    -        login     403    403    403     200        403
GET    halts/new/                                -        login     403    403    403     200        403
POST   halts/new/                                -        login     403    403    403     303        403
GET    halts/new/preview/                        -        login     403    403    403     200        403
GET    halts/<slug:public_id>/                   halt     login     403    403    403     200        403
POST   halts/<slug:public_id>/lift/              halt     login     403    403    403     302        403

# limits: everybody reads them, supervisors set them; approvals: who sees the order sees them, supervisors decide
GET    limits/                                   -        login     200    200    200     200        200
POST   limits/                                   -        login     403    403    403     303        403
POST   limits/<slug:public_id>/end/              limit    login     403    403    403     303        403
GET    approvals/                                -        login     200    200    200     200        200
GET    approvals/<slug:public_id>/               approval login     200    404    200     200        404
POST   approvals/<slug:public_id>/approve/       approval login     422!   404    422!    303        404
POST   approvals/<slug:public_id>/refuse/        approval login     422!   404    422!    303        404
POST   approvals/<slug:public_id>/withdraw/      approval login     303    404    404     303        404

# the reconciliation: who sees orders sees theirs, supervisors act
GET    reconciliation/                           -        login     200    200    200     200        200
POST   reconciliation/<slug:public_id>/poll/     child    login     403    403    403     303        403
POST   reconciliation/<slug:public_id>/cancel/   child    login     403    403    403     303        403
POST   reconciliation/<slug:public_id>/attach/   child    login     403    403    403     303        403
POST   reconciliation/<slug:public_id>/absent/   child    login     403    403    403     303        403
POST   reconciliation/<slug:public_id>/ended/    shown    login     403    403    403     303        403

# alerts: of the orders that each acts on; a trader who sees the desk watches, admins see those of no order
GET    alerts/                                   -        login     200    200    200     200        200
GET    alerts/<slug:public_id>/                  alert    login     200    404    200     200        404
POST   alerts/<slug:public_id>/acknowledge/      alert    login     303    404    422!    303        404
POST   alerts/<slug:public_id>/own/              alert    login     303    404    422!    303        404
GET    alert-channels/                           -        login     403    403    403     403        200
GET    alert-channels/new/                       -        login     403    403    403     403        200
POST   alert-channels/new/                       -        login     403    403    403     403        422
POST   alert-channels/<slug:public_id>/test/     channel  login     403    403    403     403        303
POST   alert-channels/<slug:public_id>/pause/    channel  login     403    403    403     403        303
POST   alert-channels/<slug:public_id>/resume/   channel  login     403    403    403     403        303
POST   alert-channels/<slug:public_id>/remove/   channel  login     403    403    403     403        303

# requests for access: admins and supervisors decide on each other's; the trader's waits, of the admin
GET    access/                                   -        login     403    403    403     200        200
POST   access/<slug:public_id>/confirm/          request  login     403    403    403     303        422!
POST   access/<slug:public_id>/refuse/           request  login     403    403    403     303        422!
POST   access/<slug:public_id>/withdraw/         request  login     403    403    403     422!       303

# people: admins
GET    people/                                   -        login     403    403    403     403        200
GET    people/new/                               -        login     403    403    403     403        200
POST   people/new/                               -        login     403    403    403     403        422
GET    people/<slug:public_id>/                  person   login     403    403    403     403        200
POST   people/<slug:public_id>/change/           person   login     403    403    403     403        422
POST   people/<slug:public_id>/password/         person   login     403    403    403     403        422
POST   people/<slug:public_id>/grant/            person   login     403    403    403     403        422
POST   people/<slug:public_id>/revoke/           person   login     403    403    403     403        422
POST   people/<slug:public_id>/disable/          person   login     403    403    403     403        303
POST   people/<slug:public_id>/enable/           person   login     403    403    403     403        303
POST   people/<slug:public_id>/factor/           person   login     403    403    403     403        303
POST   people/<slug:public_id>/logout/           person   login     403    403    403     403        303

# accounts and keys: admins
GET    accounts/                                 -        login     403    403    403     403        200
GET    accounts/new/                             -        login     403    403    403     403        200
POST   accounts/new/                             -        login     403    403    403     403        422
GET    accounts/<slug:public_id>/                account  login     403    403    403     403        200
POST   accounts/<slug:public_id>/check/          account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/suspend/        account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/resume/         account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/retire/         account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/replace/        account  login     403    403    403     403        422
POST   accounts/<slug:public_id>/grant/          account  login     403    403    403     403        422
POST   accounts/<slug:public_id>/revoke/         account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/close/          account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/open/           account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/symbols/        account  login     403    403    403     403        422
POST   accounts/<slug:public_id>/exclusive/      account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/shared/         account  login     403    403    403     403        303
POST   accounts/<slug:public_id>/assumptions/    account  login     403    403    403     403        303

# the API, by bearer token
GET    api/v1/                                   -        404       404    404    404     404        404
GET    api/v1/openapi.json                       -        401       200    200    200     200        200
GET    api/v1/docs                               -        login     200    200    200     200        200
GET    api/v1/orders                             -        401       200    200    200     200        200
POST   api/v1/orders                             -        401       201    201    201     403        403
POST   api/v1/orders/preview                     -        401       200    200    200     403        403
POST   api/v1/orders/bulk/pause                  -        401       200    200    200     200        200
POST   api/v1/orders/bulk/pause/preview          -        401       200    200    200     200        200
POST   api/v1/orders/bulk/resume                 -        401       200    200    200     200        200
POST   api/v1/orders/bulk/resume/preview         -        401       200    200    200     200        200
POST   api/v1/orders/bulk/cancel                 -        401       200    200    200     200        200
POST   api/v1/orders/bulk/cancel/preview         -        401       200    200    200     200        200
POST   api/v1/orders/bulk/extend                 -        401       200    200    200     200        200
POST   api/v1/orders/bulk/extend/preview         -        401       200    200    200     200        200
POST   api/v1/orders/bulk/urgency                -        401       200    200    200     200        200
POST   api/v1/orders/bulk/urgency/preview        -        401       200    200    200     200        200
GET    api/v1/orders/<slug:public_id>            order    401       200    404    200     200        404
GET    api/v1/orders/<slug:public_id>/slices     order    401       200    404    200     200        404
GET    api/v1/orders/<slug:public_id>/children   order    401       200    404    200     200        404
GET    api/v1/orders/<slug:public_id>/fills      order    401       200    404    200     200        404
GET    api/v1/orders/<slug:public_id>/journal    order    401       200    404    200     200        404
GET    api/v1/orders/<slug:public_id>/report     order    401       200    404    200     200        404
GET    api/v1/analysis                           -        401       200    200    200     200        200
GET    api/v1/analysis/day                       -        401       200    200    200     200        200
POST   api/v1/orders/<slug:public_id>/pause      order    401       200    404    403!    200        404
POST   api/v1/orders/<slug:public_id>/resume     order    401       200    404    403!    200        404
POST   api/v1/orders/<slug:public_id>/cancel     order    401       200    404    403!    200        404
POST   api/v1/orders/<slug:public_id>/amend      order    401       200    404    403!    403!       404
POST   api/v1/orders/<slug:public_id>/amend/preview order 401       200    404    403!    403!       404
GET    api/v1/accounts                           -        401       200    200    200     200        200
POST   api/v1/baskets/preview                    -        401       200    200    200     403        403
POST   api/v1/baskets                            -        401       201    201    201     403        403
GET    api/v1/baskets                            -        401       200    200    200     200        200
GET    api/v1/baskets/<slug:public_id>           basket   401       200    404    200     200        404
POST   api/v1/baskets/<slug:public_id>/pause     basket   401       200    404    200     200        404
POST   api/v1/baskets/<slug:public_id>/pause/preview basket 401     200    404    200     200        404
POST   api/v1/baskets/<slug:public_id>/resume    basket   401       200    404    200     200        404
POST   api/v1/baskets/<slug:public_id>/resume/preview basket 401    200    404    200     200        404
POST   api/v1/baskets/<slug:public_id>/cancel    basket   401       200    404    200     200        404
POST   api/v1/baskets/<slug:public_id>/cancel/preview basket 401    200    404    200     200        404
GET    api/v1/presets                            -        401       200    200    200     200        403
POST   api/v1/presets                            -        401       201    201    201     201        403
POST   api/v1/presets/<slug:public_id>/delete    preset   401       204    404    404     404        403
GET    api/v1/balances                           -        401       200    200    200     200        403
GET    api/v1/markets                            -        401       200    200    200     200        200
POST   api/v1/halts/preview                      -        401       403    403    403     200        403
GET    api/v1/halts                              -        401       403    403    403     200        403
POST   api/v1/halts                              -        401       403    403    403     201        403
GET    api/v1/halts/<slug:public_id>             halt     401       403    403    403     200        403
GET    api/v1/limits                             -        401       200    200    200     200        200
POST   api/v1/limits                             -        401       403    403    403     201        403
POST   api/v1/limits/<slug:public_id>/end        limit    401       403    403    403     202        403
GET    api/v1/approvals                          -        401       200    200    200     200        200
GET    api/v1/approvals/<slug:public_id>         approval 401       200    404    200     200        404
POST   api/v1/approvals/<slug:public_id>/approve approval 401       403    403    403     200        403
POST   api/v1/approvals/<slug:public_id>/refuse  approval 401       403    403    403     200        403
POST   api/v1/approvals/<slug:public_id>/withdraw approval 401      200    404    404     200        404
GET    api/v1/reconciliation                     -        401       200    200    200     200        200
POST   api/v1/reconciliation/<slug:public_id>/poll   child 401      403    403    403     204        403
POST   api/v1/reconciliation/<slug:public_id>/cancel child 401      403    403    403     204        403
POST   api/v1/reconciliation/<slug:public_id>/attach child 401      403    403    403     204        403
POST   api/v1/reconciliation/<slug:public_id>/absent child 401      403    403    403     204        403
POST   api/v1/reconciliation/<slug:public_id>/ended  shown 401      403    403    403     204        403
GET    api/v1/alerts                             -        401       200    200    200     200        200
GET    api/v1/alerts/<slug:public_id>            alert    401       200    404    200     200        404
POST   api/v1/alerts/<slug:public_id>/acknowledge alert   401       200    404    403!    200        404
POST   api/v1/alerts/<slug:public_id>/own        alert    401       200    404    403!    200        404
POST   api/v1/halts/<slug:public_id>/lift        halt     401       403    403    403     200        403
"""

#: Websockets: ``open``, or the code that they close with. The page of 4403 loads again, that of 4404 says gone.
SOCKETS = """
# route                                          object   anonymous trader second watcher supervisor admin
ws/orders/                                       -        4401      open   open   open    open       open
ws/orders/<slug:public_id>/                      order    4401      open   4404   open    open       4404
ws/baskets/<slug:public_id>/                     basket   4401      open   4404   open    open       4404
ws/alerts/                                       -        4401      open   open   open    open       open
ws/home/                                         -        4401      open   open   open    open       4403
ws/market/                                       -        4401      open   open   open    open       open
ws/wall/                                         -        4401      4403   4403   4403    open       4403
ws/halts/<slug:public_id>/                       halt     4401      4403   4403   4403    open       4403
"""

#: The Django admin at /admin/ is for admins alone: everybody else is sent to its login. Within it:
#: ``read`` shows rows and refuses to add, change and delete; ``change`` also adds and changes;
#: ``locks`` shows rows whose fields are read-only, and deletes them.
ADMIN = """
execution.user           change   people and their roles; nobody is deleted, orders and the audit name them
execution.order          read     orders change by their own services alone
execution.orderterms     read     append-only
execution.slice          read     plans are made by the desk
execution.childorder     read     the books of what was sent
execution.fill           read     append-only: what the exchange said
execution.journalentry   read     append-only
execution.account        read     changed on /accounts/
execution.venue          read     changed on /accounts/
execution.market         read     what the venue said
execution.balance        read     what the exchange said
execution.auditentry     read     append-only
execution.worker         read     written by the workers
axes.accessattempt       locks    the locks after wrong passwords: an admin may lift one by deleting it
axes.accesslog           locks    logins, kept by django-axes
axes.accessfailurelog    locks    failed logins, kept by django-axes
"""
