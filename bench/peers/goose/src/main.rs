//! The journey of `hammer`, written for Goose: users who ask for one page again and again.

use goose::prelude::*;

async fn ask(user: &mut GooseUser) -> TransactionResult {
    user.get_named("/", "page").await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    GooseAttack::initialize()?
        .register_scenario(scenario!("Hammer").register_transaction(transaction!(ask)))
        .execute()
        .await?;
    Ok(())
}
