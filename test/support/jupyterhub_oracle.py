"""Answers what the released JupyterHub would: one JSON request a line on stdin, one JSON answer a line on stdout."""

import json
import logging
import sys
import warnings
from types import SimpleNamespace

from jupyterhub import orm, roles, scopes, utils
from tornado import web

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

session = orm.new_session_factory("sqlite:///:memory:")()


def setup(membership):
    """membership: {user: [group, ...]}"""
    for name, groups in membership.items():
        user = orm.User(name=name)
        session.add(user)
        for group_name in groups:
            group = orm.Group.find(session, group_name)
            if group is None:
                group = orm.Group(name=group_name)
                session.add(group)
            user.groups.append(group)
    session.commit()


def owner_of(owner):
    if owner.get("user"):
        return orm.User.find(session, owner["user"])
    if owner.get("owner_service"):
        return orm.Service(name=owner["owner_service"])
    return None


def client_of(owner):
    if owner.get("client_service"):
        name = owner["client_service"]
        return SimpleNamespace(
            identifier="service-" + name,
            service=SimpleNamespace(name=name),
            spawner=None,
        )
    if owner.get("client_server"):
        user, _, server = owner["client_server"].partition("/")
        return SimpleNamespace(
            identifier="server-" + owner["client_server"],
            service=None,
            spawner=SimpleNamespace(name=server, user=SimpleNamespace(name=user)),
        )
    return None


def expand(raw, owner):
    return sorted(scopes.expand_scopes(raw, owner_of(owner), client_of(owner)))


def intersect(a, b):
    return sorted(scopes._intersect_expanded_scopes(set(a), set(b), db=session))


def has_scope(scope, held):
    return scopes.has_scope(scope, set(held), db=session)


def resolve(requested, have, owner):
    allowed, disallowed = scopes._resolve_requested_scopes(
        set(requested), set(have), owner_of(owner), client_of(owner), session
    )
    return [sorted(allowed), sorted(disallowed)]


def reduce(held):
    return sorted(scopes.reduce_scopes(frozenset(held)))


def exists(scope):
    try:
        scopes._check_scopes_exist([scope])
    except KeyError:
        return False
    return True


def definitions():
    return {
        name: definition.get("subscopes", [])
        for name, definition in scopes.scope_definitions.items()
    }


def subdomains(rule, names, domain, kind):
    hook = {"idna": utils.subdomain_hook_idna, "legacy": utils.subdomain_hook_legacy}[rule]
    return [hook(name, domain, kind) for name in names]


def default_roles():
    return {role["name"]: role["scopes"] for role in roles.get_default_roles()}


def hash_token(token, rounds):
    return utils.hash_token(token, rounds=rounds, salt=8)


def verify_token(hashed, token):
    return utils.compare_token(hashed, token)


def sign(secret, name, value):
    return web.create_signed_value(bytes.fromhex(secret), name, value).decode()


def unsign(secret, name, value, max_age_days):
    found = web.decode_signed_value(
        bytes.fromhex(secret), name, value, max_age_days=max_age_days, min_version=2
    )
    return None if found is None else found.decode()


def open_database(url):
    """For scopes_held: a database that somebody else writes."""
    global database
    database = orm.new_session_factory(url)()


def define_scopes(custom):
    scopes.define_custom_scopes(custom)


def scopes_held(kind, id):
    """What a user, service or token of that database may do. kind: "User", "Service", "APIToken"."""
    database.rollback()
    database.expire_all()
    return sorted(scopes.get_scopes_for(database.get(getattr(orm, kind), id)))


def endpoints():
    """[[pattern below the hub's prefix, [method, ...]], ...] of pages and REST API"""
    from jupyterhub import apihandlers, handlers

    methods = ["get", "head", "post", "put", "patch", "delete"]
    return [
        [
            pattern,
            [
                method.upper()
                for method in methods
                if getattr(handler, method) is not web.RequestHandler.__dict__[method]
            ],
        ]
        for pattern, handler in (
            entry[:2]
            for entry in handlers.default_handlers + apihandlers.default_handlers
        )
    ]


for line in sys.stdin:
    call = json.loads(line)
    try:
        answer = {"value": globals()[call["name"]](*call["args"])}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
