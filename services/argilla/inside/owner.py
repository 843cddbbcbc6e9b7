"""The owner account, with the password and API key from the files in the data folder."""

from pathlib import Path

from argilla_server.contexts import accounts
from argilla_server.database import AsyncSessionLocal, async_engine
from argilla_server.models import User, UserRole


async def ensure_owner(name: str, folder: str) -> None:
    """Create the owner, or update the owner's password and key if the files have changed."""
    password = (Path(folder) / "owner.password").read_text().strip()
    key = (Path(folder) / "owner.key").read_text().strip()
    async with AsyncSessionLocal() as session:
        owner = await accounts.get_user_by_username(session, name)
        if owner is None:
            await User.create(
                session,
                first_name=name,
                username=name,
                role=UserRole.owner,
                api_key=key,
                password_hash=accounts.hash_password(password),
            )
        elif owner.api_key != key or not accounts.verify_password(password, owner.password_hash):
            owner.api_key, owner.password_hash = key, accounts.hash_password(password)
            await session.commit()
    # The server has its own event loop, and connections are bound to a loop.
    await async_engine.dispose()
