"""The account that may do everything, as the files in the served folder say."""

from pathlib import Path

from argilla_server.contexts import accounts
from argilla_server.database import AsyncSessionLocal, async_engine
from argilla_server.models import User, UserRole


async def ensure_owner(name: str, folder: str) -> None:
    """Make the owner, or give the owner the password and key of the files if they are new."""
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
    # The server has an event loop of its own, and connections belong to one loop.
    await async_engine.dispose()
