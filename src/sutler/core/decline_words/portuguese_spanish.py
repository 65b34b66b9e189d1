"""How panels say no in Portuguese and Spanish."""

from sutler.core.decline_words.language import Language, alternatives

PORTUGUESE_SPANISH = Language(
    wrong=alternatives(r"""
        invalid[oa]s?|incorret[oa]s?|incorrect[oa]s?|errad[oa]s?|erroneo?|inexistente
        desconhecid[oa]|desconocid[oa]
        na?o? (?:\w+ )?(?:encontrad|valid|informad|suportad|soportad|permitid|ativ|activ|fornecid|preenchid
        +|especificad|proporcionad)[oa]s?
        nao existe
        no existe
        nao (?:esta )?disponivel
        no (?:esta )?disponible
        obrigatori[oa]s?|obligatori[oa]s?|requerid[oa]s?|necessari[oa]|necesari[oa]|vazi[oa]
        vaci[oa]|ausente|falta\w*|inativ[oa]|inactiv[oa]|desativad[oa]|desactivad[oa]
        desabilitad[oa]|deshabilitad[oa]|bloquead[oa]|suspens[oa]|suspendid[oa]
        (?:devem?|deben?) (?:ser|ter|tener|conter|contener|estar)
        nao pode
        no puede
        maior que
        mayor que
        menor que
        superior a
        inferior a
    """),
    gap=3,
    things={
        "AUTH": r"chave\w*|clave\w*|llave\w*|api key|token|(?<!de )usuario|conta|cuenta",
        "SERVICE": r"servicos?|servicios?",
        "QUANTITY": r"quantidades?|cantidad\w*",
        "LINK": r"links?|enlaces?|urls?|nome de usuario|nombre de usuario|perfil",
        "FIELD": r"campos?|parametros?|requisicao|solicitacao|solicitud|peticion|acao|accion|comentarios?|dados|datos",
    },
    phrases={
        "NOT_FOUND": alternatives(r"""
            (?:pedido|orden|ordem) (?:\w+ )?(?:na?o? (?:encontrad[oa]|existe)|invalid[oa]|incorret[oa]|incorrect[oa]
            +|inexistente)
        """),
        "AUTH": alternatives(r"""
            nao autorizad[oa]
            no autorizad[oa]
            acesso negado
            acceso denegado
        """),
        "FUNDS": alternatives(r"""
            (?:saldo|fundos?|fondos?|creditos?) (?:\w+ ){0,2}?(?:insuficientes?|baixo|bajo)
            (?:insuficientes?|sem|sin) (?:\w+ )?(?:saldo|fundos?|fondos?|creditos?)
            na?o? (?:\w+ ){0,2}?(?:suficientes? (?:saldo|fundos|fondos|creditos)|(?:saldo|fundos|fondos|creditos)
            + suficientes?)
            (?:adicione|agregue|recarregue|recargue) (?:\w+ )?(?:saldo|fundos?|fondos?|creditos?)
            saldo (?:\w+ )?nao (?:e )?suficiente
        """),
        "DUPLICATE": alternatives(r"""
            (?:pedido|orden|ordem) (?:\w+ )?(?:ativ[oa]|activ[oa]|em andamento|en curso|en progreso|pendente
            +|pendiente) (?:\w+ ){0,3}?(?:link|enlace|url)
            (?:pedido|link|enlace|orden) duplicad[oa]
            (?:aguarde|espere) (?:\w+ ){0,3}?(?:pedido|orden|ordem|conclusao)
            + (?:\w+ ){0,3}?(?:complet|termin|conclu|finaliz|pedido)\w*
        """),
        "RATE": alternatives(r"""
            (?:muit[oa]s|demasiad[oa]s) (?:requisicoes|solicitacoes|solicitudes|peticiones|tentativas)
            limite de (?:requisicoes|solicitacoes|solicitudes|peticiones)
            (?:aguarde|espere) \d+ (?:segundo|minuto)s?
        """),
        "NOT_AVAILABLE": alternatives(r"""
            (?:cancelamento|cancelacion|reposicao|reposicion|refill) (?:\w+ ){0,2}?(?:nao|no|indisponivel|desativad[oa])
            (?:nao|no) (?:\w+ )?(?:pode|puede) ser cancelad[oa]
        """),
        "QUANTITY": alternatives(r"""
            quantidade (?:minima|maxima)
            cantidad (?:minima|maxima)
            (?:minimo|maximo) (?:\w+ ){0,2}?\d+
            (?:pedido|orden) (?:minim|maxim)[oa]
        """),
        "LINK": alternatives(r"""
            (?:conta|cuenta|perfil) (?:\w+ )?privad[oa]
        """),
    },
    unsure=alternatives(r"""
        tempo (?:limite|esgotado)
        tiempo (?:de espera|agotado)
        (?:banco|base) de (?:dados|datos)
        intern[oa]|inesperad[oa]
        com sucesso
        con exito
        exitosamente
        (?:pedido|orden) (?:ja |ya )?(?:foi |ha sido |fue )?(?:cri|cre|realiz|feit|aceit|acept|receb|recib|registr
        +|efetu|coloc)\w*
        procesand\w+|processand\w+|processamento
    """),
    passing=alternatives(r"""
        mais tarde
        mas tarde
        novamente
        de nuevo
        manutencao|mantenimiento|temporari\w+
        no momento
        neste momento
        en este momento
        servidor|fornecedor|provedor|proveedor|conexao|conexion|fila
    """),
)
