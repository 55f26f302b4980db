"""A FastAPI service in the manner of JupyterHub's documentation: its OpenAPI document names the hub as its
authorization server, programs and its docs page hand in codes and send tokens, and each endpoint names its scopes."""

import json
import os
from typing import Annotated
from urllib.parse import urlparse

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI, Form, HTTPException, Security
from fastapi.security import OAuth2AuthorizationCodeBearer, SecurityScopes

prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"].rstrip("/")
client_id = os.environ["JUPYTERHUB_CLIENT_ID"]
callback = os.environ["JUPYTERHUB_OAUTH_CALLBACK_URL"]
access_scopes = json.loads(os.environ["JUPYTERHUB_OAUTH_ACCESS_SCOPES"])
authorize = f"{os.environ['JUPYTERHUB_BASE_URL']}hub/api/oauth2/authorize?client_id={client_id}"


def hub() -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=os.environ["JUPYTERHUB_API_URL"])


bearer = OAuth2AuthorizationCodeBearer(authorizationUrl=authorize, tokenUrl="get_token")


async def current_user(
    needed: SecurityScopes, token: Annotated[str, Security(bearer)]
) -> dict:
    async with hub() as client:
        answer = await client.get("user", headers={"Authorization": f"token {token}"})
    if answer.status_code != 200:
        raise HTTPException(401, "the hub does not know this token")
    user = answer.json()
    held = {scope.partition("!")[0] for scope in user["scopes"]}
    if not set(access_scopes) & set(user["scopes"]) or not set(needed.scopes) <= held:
        raise HTTPException(403, f"not enough scopes: {user['scopes']}")
    return user


router = APIRouter(prefix=prefix)


@router.post("/get_token")
async def get_token(code: Annotated[str, Form()]) -> dict:
    data = {
        "client_id": client_id,
        "client_secret": os.environ["JUPYTERHUB_API_TOKEN"],
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback,
    }
    async with hub() as client:
        answer = await client.post("oauth2/token", data=data)
    if answer.status_code != 200:
        raise HTTPException(400, answer.json())
    return answer.json()


@router.get("/oauth_callback")
async def oauth_callback(code: str) -> dict:
    return await get_token(code)


@router.get("/me")
async def me(user: Annotated[dict, Security(current_user)]) -> dict:
    return user


@router.get("/servers")
async def servers(
    user: Annotated[dict, Security(current_user, scopes=["read:servers"])],
) -> dict:
    return user["servers"]


app = FastAPI(
    title="service", openapi_url=f"{prefix}/openapi.json", docs_url=f"{prefix}/docs"
)
app.include_router(router)
url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
uvicorn.run(app, host=url.hostname, port=url.port, log_level="warning")
