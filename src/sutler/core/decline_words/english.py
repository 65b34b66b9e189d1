"""How panels say no in English, and in keys, which are English words with dots (`neworder.error.link_duplicate`).

Among the sources are Laravel's validation texts, SmartPanel's language file, its classic forerunners and OwnSMM.
"Service unavailable" is left out on purpose: gateways say it of themselves. So are "order already exists" and
"duplicate request", which may be about the very order that was sent.
"""

from sutler.core.decline_words.language import Language, alternatives
from sutler.core.order_types import ORDER_TYPES

_FIELDS = "|".join(
    sorted({each.name.replace("_", " ") for order_type in ORDER_TYPES.values() for each in order_type.fields})
)
_NO = r"(?:not|no|cannot|can ?not|\w+ t|dont|doesnt)"
_DOES_NOT_EXIST = r"does ?n(?:o|\W)?t exists?|doesnt exists?"
# What an order is for; and which order is in the way of the next.
_TARGET = r"(?:link|url|username|user name|page|profile|post|account|target|channel|video)"
_EARLIER = r"(?:active|pending|open|running|ongoing|existing|unfinished|previous|another|same|processing|current)"
_REQUEST = r"(?:refills?|cancel|cancellations?|cancell?ing)(?: requests?| button| option)?"
_IS = r"(?:is |are |was |were |has |have |had |be |been |must |not )*"
_LEAST_OR_MOST = r"(?:min|max|minimal|minimum|maximal|maximum)"
_MONEY = r"(?:funds?|balance|money|credits?)"

_WRONG = alternatives(r"""
    incorrect|invalid|wrong|bad|unknown|missing|empty|unsupported|malformed|illegal|unrecogni[sz]ed|nonexistent|inactive
    not (?:a )?valid
""")
_WRONG_AFTER = alternatives(rf"""
    {_WRONG}|required|mandatory|blank|disabled?|deactivated|deleted|removed|already been taken
    not (?:an? )?(?:found|correct|supported|allowed|accepted|permitted|specified|provided|given|set|sent|numeric)
    not (?:an? )?(?:integer|number|url|active|enabled|exists?|recogni[sz]ed|in the correct|in range)
    too (?:short|long|small|large|low|high|big|many|few)
    (?:must|may|can) (?:to |only |not )*(?:be|have|contain|match|start|begin|end|include|exceed)
    should (?:not |only )*(?:have|contain|match|start with|begin with)
    should (?:not |only )*be (?:an? |at |in )?(?:empty|valid|least|between|greater|less|more|higher|lower|public)
    should (?:not |only )*be (?:an? )?(?:multiple|number|integer|numeric|positive)
    can ?not (?:be (?:empty|blank|less|more|lower|higher|greater|smaller|found|used|ordered|negative|zero)|exceed
    +|contain)
    {_DOES_NOT_EXIST}
    does ?n(?:o|\W)?t (?:match|belong|look|seem)
""")
_BEFORE_IT = r"(?:field |format |parameter |value |address |input |is |are |was |were |has |be |been |an? |the |ids? )*"

ENGLISH = Language(
    wrong_before=alternatives(rf"""
        (?:{_WRONG}) (?:(?!for |with |by |of |from |in |on |to )\w+ ){{0,2}}?
        (?:no|without) (?:valid )?
    """),
    wrong=rf" {_BEFORE_IT}(?:{_WRONG_AFTER})",
    gap=0,
    things={
        "AUTH": r"(?:api )?(?:key|token)|credentials?|signature",
        "SERVICE": r"services?|service id|packages?|products?",
        "QUANTITY": r"quantity|quantities|qty|amount",
        "LINK": r"links?|urls?|usernames?|user names?|profile",
        "FIELD": rf"{_FIELDS}|action|method|parameters?|fields?|request|data|input|json|format|interval time|runs",
    },
    phrases={
        "AUTH": alternatives(rf"""
            un ?authori[sz]ed|un ?authenticated|not (?:authori[sz]ed|authenticated)|forbidden|no permission
            (?:authentication|authori[sz]ation) (?:is )?(?:failed|required)
            (?:access|permission) (?:is |was )?denied
            key does not allow|csrf token mismatch
            (?:account|user) {_IS}(?:suspended|blocked|banned|disabled?|inactive|active|frozen|deactivated|locked
            +|closed)
            (?:account|user) (?:was |is )?(?:not found|{_DOES_NOT_EXIST})
            api (?:access )?(?:is |was )?(?:disabled?|deactivated|not (?:enabled|active|allowed))
            (?:ip|address) (?:address )?(?:is )?not (?:allowed|whitelisted)
        """),
        "FUNDS": alternatives(rf"""
            {_NO} (?:have )?(?:enough|sufficient) (?:\w+ ){{0,2}}?{_MONEY}
            (?:insufficient|low|no|zero|negative) (?:\w+ )?{_MONEY}
            (?:{_MONEY}|wallet) (?:\w+ )?(?:is |are )?(?:(?:too |very )?(?:low|empty)|(?:not |in)(?:enough|sufficient))
            (?:add|deposit|top up|recharge) (?:\w+ )?(?:{_MONEY}|wallet|(?:your|the) account)
            (?:exceeds?|exceeded|more than|greater than|over|out of) (?:\w+ ){{0,2}}?{_MONEY}
            {_MONEY} (?:is |are )?(?:less|lower|below)
            (?:min|minimum) balance|payment required|(?:daily|spend|spending|credit) limit
        """),
        "DUPLICATE": alternatives(rf"""
            {_EARLIER} orders? (?:\w+ ){{0,3}}?(?:this |the same |same |that |your )(?:\w+ )?{_TARGET}
            order (?:\w+ ){{0,4}}?{_TARGET} (?:is |are |was |has )?(?:already|still|exists?)
            orders? (?:is |are )?(?:already|still) (?:active|running|in ?progress|open|pending)
            + (?:\w+ ){{0,3}}?{_TARGET}
            {_TARGET} (?:is |has |was |are )*(?:already|still) (?:\w+ ){{0,2}}?(?:exists?|used?|taken|active)
            {_TARGET} (?:is |has |was |are )*(?:already|still) (?:\w+ ){{0,2}}?(?:in ?progress|in queue|in use)
            already ha(?:ve|s) (?:an? )?{_EARLIER} order
            link duplicated?|duplicated? (?:link|order)|order (?:is )?duplicated?
            wait (?:until|till|for) (?:the |your |this |that |last |first |old )*(?:{_EARLIER} )?(?:order|one)
            + (?:\w+ ){{0,2}}?(?:complet|finish|done|end)\w*
        """),
        "RATE": alternatives(r"""
            too many (?:requests|attempts|calls)
            rate limit\w*|(?:requests?|api|calls?) limit|throttled|slow down
            too (?:fast|often|frequent\w*|quickly)
            (?:wait|again in|again after|retry in|retry after)
            + (?:\w+ ){0,2}?\d+ (?:more )?(?:s|sec|seconds?|m|min|minutes?)
        """),
        "NOT_AVAILABLE": alternatives(rf"""
            {_REQUEST} (?:is |are |was |has |can )*(?:not(?! (?:found|valid|exist))|un\w+able|im\w+|already|disabled
            +|expired)
            {_REQUEST} (?:is |are |was |has |can )*(?:too|only|rejected|denied|closed|pending|in ?progress|unsupported)
            no (?:refill|cancel)\w*
            (?:{_NO}|no longer|in) ?(?:eligible|allowed|available|possible|permitted|entitled|support\w*|have|offer
            +|allow) (?:for |to |be |a |the |request |an? )*(?:refill|cancel)\w*
            (?:cannot|can ?not|can t) (?:be )?(?:refill|cancel)\w*
            too (?:early|late|soon) (?:\w+ ){{0,3}}?(?:refill|cancel)\w*
            refill period|not dropped|no drops?
            already (?:refilled|cancell?ed|requested|refunded)
            order (?:\w+ ){{0,2}}?(?:is|was|has been|already)
            + (?:not )?(?:yet )?(?:completed|cancell?ed|partial|refunded|finished)
            order (?:\w+ ){{0,2}}?(?:is|was|already) (?:still )?in ?progress
        """),
        "NOT_FOUND": alternatives(rf"""
            (?:{_WRONG}) (?:order|refill|task)s?(?: request)?(?: ids?)?(?! (?:quantity|link|amount|format|service
            +|data|type|request|parameter|field))
            (?:order|refill|task)s?(?: request)?(?: ids?)? (?:is |are |was |were )?(?:incorrect|invalid|wrong
            +|unknown|deleted|removed)
            (?:order|refill|task)s?(?: request)?(?: ids?)? (?:is |are |was |were )?(?:not (?:valid|found|exists?)
            +|{_DOES_NOT_EXIST})
            no (?:such )?(?:order|refill)(?: found)?
        """),
        "PARAMETERS": alternatives(rf"""
            (?:missing|required|invalid|incorrect|wrong|bad|empty|check|fill|no)
            + (?:\w+ ){{0,2}}?(?:parameter|param|argument)s?
            (?:parameter|argument)s? (?:\w+ )?(?:is |are )?(?:missing|required|invalid|incorrect)
            (?:support|allow|available|enabled?)\w* (?:for )?(?:\w+ )?drip ?feed
            drip ?feed (?:\w+ ){{0,2}}?(?:not|disabled|required|unsupported)
            (?:{_WRONG}) drip ?feed
        """),
        "SERVICE": alternatives(r"""
            no such service|(?:choose|select) (?:an? )?(?:valid |other |another )?service
            (?:service|package)s?(?: id)? (?:is |are |was |has been )*(?:paused|stopped|discontinued|suspended)
            (?:service|package)s?(?: id)? (?:is |are |was )*not (?:available|for sale|on sale)
            (?:service|package)s?(?: id)? (?:is |are )*no longer (?:available|active|offered|supported)
        """),
        "QUANTITY": alternatives(rf"""
            (?:quantity|qty|amount) (?:is |are |was )?(?:less|more|lower|higher|greater|smaller|below|above|under
            +|over|exceeds?)
            (?:quantity|qty|amount) (?:is |are |was )?out of
            error (?:quantity )?(?:min|max)|error quantity$|(?:min|max) quantity
            {_LEAST_OR_MOST}(?: order| allowed| is| of| limit)* (?:quantity|amount|order|\d+)
            order (?:\w+ )?{_LEAST_OR_MOST}
            (?:exceeds?|above|over|below|under|than|available) (?:the |allowed )*{_LEAST_OR_MOST}
            can ?not order (?:more|less) than
        """),
        "LINK": alternatives(r"""
            ^link$|error link$
            (?:links?|urls?) (?:is |was )?(?:broken|private|blocked|banned|blacklisted|not working|expired)
            private (?:account|profile|page|channel|group|post|video|user)
            (?:account|profile|page|channel|group|post|video)
            + (?:is |must |be |not |was |set to |has |been )*(?:private|public)
            (?:profile|page|channel|group|post|video) (?:is |was |has |been )*(?:deleted|removed|not found)
            (?:enter|provide|use|insert) (?:an? |the |your )?(?:valid |correct |right )?(?:\w+ )?(?:link|url)
        """),
        "FIELD": alternatives(rf"""
            error (?:{_FIELDS})$
            orders? (?:ids? )?(?:parameter |field )?(?:is |are )?required
            validation (?:failed|error|exception)|^validation (?:required|url|integer|numeric|string|exists|unique
            +|regex|min|max)
            the (?:\w+ ){{1,4}}(?:is required|must (?:be|not|have|contain|match|only)|may (?:not|only)
            +|format is invalid)
            the (?:\w+ ){{1,4}}(?:confirmation does not match|is not an? valid)
            the selected (?:\w+ ){{1,3}}is invalid
            method (?:is )?not (?:allowed|supported)
        """),
    },
    unsure=alternatives(r"""
        time ?out|timed out|internal|exception|database|sql\w*|gateway|deadlock|constraint|duplicate entry|undefined
        server error|unexpected|(?:unknown|fatal|parse|syntax|system|processing) error|curl|success\w*|thank you
        (?:was|were|been|be|is|order|already|partially)(?: \d+)? (?:placed|created|accepted|received|submitted)
        (?:was|were|been|be|is|order|already|partially)(?: \d+)? (?:queued|saved)
        will be|we (?:have )?(?:received|accepted|placed|got)
        (?:will|order) (?:be )?start\w*|has started|start(?:s|ing)? soon
        (?<!previous )(?<!another )(?<!active )(?<!existing )order (?:is )?(?:being |under )?(?:processed|processing)
    """),
    passing=alternatives(r"""
        later|maintenance|temporar\w+|at the moment|provider|supplier|upstream|vendor|server|response|connection|saving
        queue|busy|under review|pending (?:approval|review)|(?:is|order) pending
    """),
)
