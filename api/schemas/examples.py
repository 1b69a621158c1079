"""One lifelike example of every body and answer. The AHV number is the sample of official texts."""

from typing import Any, Final

Json = dict[str, Any]

ACCOUNT_ID: Final = "6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11"
CASE_ID: Final = "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e"

ACCOUNT_REQUEST: Final[Json] = {
    "email": "claire.rossel@ecole.example",
    "given_name": "Claire",
    "family_name": "Rossel",
    "locale": "fr",
    "accept_privacy_policy": True,
}
ACCEPTED: Final[Json] = {"status": "accepted"}
SIGN_IN: Final[Json] = {"email": "claire.rossel@ecole.example", "password": "cuivre-brume-tilleul-rive"}
OWN_ACCOUNT: Final[Json] = {
    "id": ACCOUNT_ID,
    "email": "claire.rossel@ecole.example",
    "given_name": "Claire",
    "family_name": "Rossel",
    "locale": "fr",
    "state": "active",
    "roles": [],
    "profile_state": "submitted",
    "link_state": "waiting",
    "link_due": "2025-09-04",
}
SESSION: Final[Json] = {
    "account": OWN_ACCOUNT,
    "roles": [],
    "csrf_token": "mX0c5d0vXhQ8iYQm3mJ0Zk1uV2pQ9r7s",
    "initial_password": True,
    "second_factor": "none",
    "expires_at": "2025-09-01T20:15:00Z",
}
TOKEN: Final[Json] = {
    "token": "h3kX7yq0mZ5rV9nB2cT8wJ4sL6dF1gA0pQeUiOyRtWx",
    "second_factor": "none",
    "expires_at": "2025-09-01T20:15:00Z",
}
PASSWORD_CHANGE: Final[Json] = {
    "current_password": "cuivre-brume-tilleul-rive",
    "new_password": "sept ponts au bord du Doubs",
}
LOCALE_CHANGE: Final[Json] = {"locale": "fr"}
RESET_REQUEST: Final[Json] = {"email": "claire.rossel@ecole.example"}
MAILED_TOKEN: Final[Json] = {"token": "Vb0m3t9wq2sXy7Zr5Lk1Nf8Hc4Jd6Pg0aQeUiOyTxW"}
PASSWORD_RESET: Final[Json] = {**MAILED_TOKEN, "new_password": "sept ponts au bord du Doubs"}
EMAIL_CHANGE: Final[Json] = {
    "new_email": "claire.jeanneret@ecole.example",
    "password": "sept ponts au bord du Doubs",
}
EMAIL_CHANGED: Final[Json] = {"state": "changed"}
EMAIL_CHANGE_CANCELLED: Final[Json] = {"state": "cancelled"}
REAUTHENTICATION: Final[Json] = {"password": "sept ponts au bord du Doubs"}
LOCKING: Final[Json] = {"reason": "suspected-misuse", "note": None}
UNLOCKING: Final[Json] = {"reason": "checked-with-holder", "note": "Appelée au numéro du dossier."}
CLOSING: Final[Json] = {"reason": "duplicate", "note": None}
MERGE: Final[Json] = {
    "account": "9d0c2c68-0f0c-4a7e-8f7e-2b1f3a9a2d11",
    "reason": "same-person",
    "note": "Appelée au numéro du dossier.",
}
SEPARATION: Final[Json] = {"reason": "not-the-same-person", "note": None}
RESENDING: Final[Json] = {"reason": "not-received", "note": None}
NOTE: Final[Json] = {"note": "Rappelle lundi, avec son livret de famille."}
CORRECTION: Final[Json] = {
    "email": "claire.jeanneret@ecole.example",
    "reason": "name-changed",
    "note": None,
}
RECOVERY_PROPOSAL: Final[Json] = {
    "email": "claire.jeanneret@ecole.example",
    "reason": "mailbox-lost",
    "note": "Pièce d'identité vue au guichet.",
}
PROPOSAL: Final[Json] = {"id": "0b7f5d1e-4a34-4c57-9c7a-6b1f3a9a2d10", "state": "proposed"}
OPEN_SESSIONS: Final[Json] = {
    "items": [
        {
            "id": "5a2f0f5e-3d8b-4d5a-9f39-1f3f6c1b2a77",
            "kind": "cookie",
            "current": True,
            "device": "Firefox · Windows",
            "place": "Bienne, Suisse",
            "created_at": "2025-09-01T08:00:00.120431Z",
            "last_seen_at": "2025-09-01T08:21:00.004511Z",
        }
    ],
    "next_cursor": None,
}
PROFILE: Final[Json] = {
    "ahv_number": "756.1234.5678.97",
    "given_name": "Claire",
    "family_name": "Rossel",
    "birth_name": "Jeanneret",
    "birth_date": "1980-12-31",
    "sex": "female",
    "nationality": "CH",
    "street": "Rue de la Gare 12",
    "postal_code": "2740",
    "city": "Moutier",
    "country": "CH",
    "phone": "+41328869931",
    "function": "teacher-cycle-1",
    "school": "moutier",
    "canton": "JU",
}
FACTOR_ID: Final = "0f3c8a52-7f0e-4d57-9a4e-0b1b7c9d2e61"
ATTEMPT: Final = "5d0b2f3e-93a4-4e0c-8a55-3f6d1c7b9e20"
CHALLENGE: Final = "b9mR3tq0vXhQ8iYQm3mJ0Zk1uV2pQ9r7sT4wL6dF1gA"
PASSKEY_QUESTION: Final[Json] = {
    "attempt": ATTEMPT,
    "options": {
        "challenge": CHALLENGE,
        "timeout": 300000,
        "rpId": "account.school.example",
        "allowCredentials": [],
        "userVerification": "required",
    },
}
PASSKEY_SIGN_IN: Final[Json] = {
    "attempt": ATTEMPT,
    "credential": {
        "id": "hN2mX0c5d0vXhQ8iYQm3mA",
        "rawId": "hN2mX0c5d0vXhQ8iYQm3mA",
        "type": "public-key",
        "response": {"clientDataJSON": "…", "authenticatorData": "…", "signature": "…", "userHandle": "…"},
        "clientExtensionResults": {},
    },
}
SECOND_FACTORS: Final[Json] = {
    "items": [
        {
            "id": FACTOR_ID,
            "kind": "totp",
            "label": "Téléphone",
            "created_at": "2025-09-01T08:31:00.220145Z",
            "last_used_at": None,
        }
    ],
    "recovery_codes": 10,
    "next_cursor": None,
}
TOTP_ENROLMENT: Final[Json] = {
    "id": FACTOR_ID,
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_uri": "otpauth://totp/HEP-BEJUNE:claire.rossel%40ecole.example"
    "?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=HEP-BEJUNE",
    "qr_svg": '<svg xmlns="http://www.w3.org/2000/svg">…</svg>',
}
PASSKEY_ENROLMENT: Final[Json] = {
    "id": FACTOR_ID,
    "options": {
        "rp": {"name": "HEP-BEJUNE", "id": "account.school.example"},
        "user": {
            "id": "…",
            "name": "claire.rossel@ecole.example",
            "displayName": "claire.rossel@ecole.example",
        },
        "challenge": CHALLENGE,
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "attestation": "none",
    },
}
CONFIRMATION: Final[Json] = {"code": "492039", "label": "Téléphone"}
RECOVERY_CODES: Final[Json] = {"recovery_codes": ["7v2k-m0qd-x9ta-3hwe-5ngr-c8yz"]}
SECOND_FACTOR_RESET: Final[Json] = {"reason": "device-lost", "note": "Pièce d'identité vue au guichet."}
MASKED_PROFILE: Final[Json] = {**PROFILE, "ahv_number": "756.••••.••••.97"}
CODES: Final[Json] = {
    "sexes": [{"code": "female", "label": {"fr": "féminin", "de": "weiblich", "en": "female"}}],
    "functions": [
        {"code": "other", "label": {"fr": "Autre fonction", "de": "Andere Funktion", "en": "Other"}}
    ],
    "schools": [
        {"code": "other", "label": {"fr": "Autre école", "de": "Andere Schule", "en": "Other school"}}
    ],
    "cantons": [{"code": "BE", "label": {"fr": "Berne", "de": "Bern", "en": "Bern"}}],
    "countries": [{"code": "CH", "label": {"fr": "Suisse", "de": "Schweiz", "en": "Switzerland"}}],
    "locales": [{"code": "fr", "label": {"fr": "français", "de": "Französisch", "en": "French"}}],
    "factors": [
        {"code": "passkey", "label": {"fr": "Clé d'accès", "de": "Passkey", "en": "Passkey"}},
    ],
    "purposes": [],
    "causes": [],
    "reasons": {
        "reject": [
            {
                "code": "no-record",
                "label": {
                    "fr": "Aucun dossier ne correspond",
                    "de": "Kein Datensatz passt",
                    "en": "No record agrees",
                },
            }
        ]
    },
}
SERVICES: Final[Json] = {
    "institution": {
        "name": "HEP-BEJUNE",
        "contact": "Formation continue et postgrade, Chemin de la Ciblerie 45, 2503 Bienne, T 032 886 99 31",
        "guides": "https://support.school.example/guides",
    },
    "items": [
        {
            "code": "initial-training",
            "label": {
                "fr": "S'inscrire à une formation initiale ou certifiante",
                "de": "Anmeldung zu einer Grund- oder Zertifikatsausbildung",
                "en": "Register for initial training or a certificate",
            },
            "action": {
                "fr": "Voir les formations disponibles",
                "de": "Verfügbare Ausbildungen ansehen",
                "en": "See the available programmes",
            },
            "address": "https://www.school.example",
            "icon": "degree",
            "needs_link": False,
        }
    ],
    "next_cursor": None,
}
ACCOUNT_ITEM: Final[Json] = {
    "id": ACCOUNT_ID,
    "email": "claire.rossel@ecole.example",
    "given_name": "Claire",
    "family_name": "Rossel",
    "locale": "fr",
    "canton": "JU",
    "state": "active",
    "link_state": "linked",
    "created_at": "2025-09-01T08:00:00.120431Z",
}
LINK: Final[Json] = {
    "record_number": "R-104233",
    "linked_at": "2025-09-01T08:21:09.330121Z",
    "by": "Marc Voirol",
}
ACCOUNT_SEARCH: Final[Json] = {"q": "rossel cl", "state": "active", "limit": 50}
ACCOUNT_PAGE: Final[Json] = {"items": [ACCOUNT_ITEM], "next_cursor": None}
ACCOUNT_SHEET: Final[Json] = {
    **ACCOUNT_ITEM,
    "profile_state": "submitted",
    "link_due": "2025-09-04",
    "link": LINK,
    "profile": MASKED_PROFILE,
    "merged_into": None,
    "merged": [],
}
OWN_MOMENT: Final[Json] = {
    "type": "profile.record-linked",
    "name": "Liaison",
    "at": "2025-09-01T08:21:09.330121Z",
    "by": "Marc Voirol",
    "device": None,
    "place": None,
    "sentence": "Le compte a été lié au dossier R-104233.",
    "changes": [{"field": "record_number", "old": None, "new": "R-104233"}],
}
OWN_HISTORY: Final[Json] = {"items": [OWN_MOMENT], "next_cursor": None}
ARCHIVE: Final[Json] = {
    "made_at": "2025-09-01T09:00:00.120431Z",
    "account": OWN_ACCOUNT,
    "profile": PROFILE,
    "record": None,
    "portfolio": [],
    "history": [{**OWN_MOMENT, "network": None}],
    "accesses": [
        {
            "type": "access.read",
            "name": "Data shown",
            "at": "2025-09-01T08:20:00.004511Z",
            "by": "Kim Frei (kim.frei@secretariat.example)",
            "device": None,
            "place": None,
            "sentence": "The data were shown to the secretariat: account sheet.",
            "changes": [],
            "network": None,
        }
    ],
    "sessions": [{**each, "network": "192.0.2.7"} for each in OPEN_SESSIONS["items"]],
    "second_factors": SECOND_FACTORS["items"],
    "recovery_codes": 10,
    "devices": [{"created_at": "2025-09-01T08:00:00.120431Z", "last_seen_at": "2025-09-01T08:00:00.120431Z"}],
    "messages": [
        {
            "id": "d0f3a1f6-5a0b-4f3e-8a57-0a6a2c1f9b3e",
            "kind": "link-confirmed",
            "created_at": "2025-09-01T08:21:10.004511Z",
            "state": "sent",
            "attempts": 1,
        }
    ],
}
MESSAGES: Final[Json] = {
    "items": [{**ARCHIVE["messages"][0], "recipient": "holder"}],
    "next_cursor": None,
}
TIMELINE: Final[Json] = {"items": [{**OWN_MOMENT, "position": 4120576}], "next_cursor": None}
UNLINKING: Final[Json] = {"reason": "wrong-record", "note": None}
CASE_ITEM: Final[Json] = {
    "id": CASE_ID,
    "account": {
        "id": ACCOUNT_ID,
        "email": "claire.rossel@ecole.example",
        "given_name": "Claire",
        "family_name": "Rossel",
    },
    "state": "open",
    "cause": "address-differs",
    "due": "2025-09-04",
    "late": False,
    "taken_by": None,
    "created_at": "2025-09-01T08:10:00.004511Z",
}
CASE_PAGE: Final[Json] = {"items": [CASE_ITEM], "next_cursor": None}
CASE_SHEET: Final[Json] = {
    **CASE_ITEM,
    "taken_at": None,
    "decided_by": None,
    "decided_at": None,
    "link": None,
    "profile": MASKED_PROFILE,
    "questions": [],
    "candidates": [
        {
            "record_number": "R-104233",
            "score": 23.59,
            "probability": 0.978,
            "fields": [
                {"name": "ahv_number", "verdict": "equal", "weight": 18.49},
                {"name": "family_name", "verdict": "equal", "weight": 7.42},
                {"name": "email", "verdict": "different", "weight": -2.32},
            ],
        }
    ],
}
TAKING: Final[Json] = {"instead_of": None}
QUESTION: Final[Json] = {"text": "Quel nom portiez-vous à votre entrée à l'école, en 2004 ?"}
ANSWER: Final[Json] = {"text": "Jeanneret. Je me suis mariée en 2009."}
OWN_CASE: Final[Json] = {
    "id": CASE_ID,
    "state": "asked",
    "due": "2025-09-04",
    "question": {**QUESTION, "asked_at": "2025-09-01T08:40:00.004511Z"},
}
LINK_DECISION: Final[Json] = {
    "record_number": "R-104233",
    "reason": "identity-checked",
    "note": "Pièce d'identité vue au guichet.",
}
RECORD_CREATION: Final[Json] = {"reason": "new-person", "note": None}
REJECTION: Final[Json] = {"reason": "no-record", "note": None}
